"""Turns videos into games whose next frame depends on a key (CADDY; Menapace et al., CVPR 2021)."""
