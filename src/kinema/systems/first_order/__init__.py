"""Animates a still by a driving video (First Order Motion Model, Siarohin et al., NeurIPS 2019)."""
