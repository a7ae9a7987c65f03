"""File to frames."""
