"""Frames to file."""
