"""Simulates worlds as sources of clips: models learn from the frames, and evaluation uses the known truth."""
