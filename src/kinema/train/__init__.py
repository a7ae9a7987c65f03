"""Trains systems: one loop with phases, checkpoints, exact resume and run folders."""
