"""Recognises discrete actions in frames, learned without labels (CADDY)."""
