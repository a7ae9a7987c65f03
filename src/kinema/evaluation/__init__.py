"""Measures models on clips: one file or folder for each protocol, with its figures and baselines."""
