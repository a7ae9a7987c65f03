"""Brings a person in a photo into another pose (Deformable GANs, Siarohin et al., CVPR 2018)."""
