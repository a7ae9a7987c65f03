"""Animates a still part by part (Motion-supervised Co-Part Segmentation, Siarohin et al., ICPR 2020)."""
