"""Measures generated smiles against recorded ones."""
