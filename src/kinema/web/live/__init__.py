"""Serves the pictures of a live head to browsers."""
