"""Provides network blocks that several stages use."""
