"""Playable Video Generation (CADDY; Menapace et al., CVPR 2021): press a key, see the next frame."""
