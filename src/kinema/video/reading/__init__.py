"""Reads frames from files."""
