"""Animates a neutral face by a label, without landmarks (Learning How to Smile, Wang et al., TMM 2020)."""
