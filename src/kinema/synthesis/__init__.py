"""Generates frames from sources and motion, and scores them by discriminators."""
