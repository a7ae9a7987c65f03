"""Deformable GANs for human image generation (Siarohin et al., CVPR 2018): a person takes another pose."""
