"""Data that say who is seen, with which label, and where."""
