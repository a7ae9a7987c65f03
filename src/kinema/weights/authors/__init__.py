"""Converts the authors' checkpoints to model folders, with one importer for each paper."""
