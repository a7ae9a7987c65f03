"""Worlds of known rules as sources of clips: what they show is learned from, what they know is for measuring."""
