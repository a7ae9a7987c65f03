"""Frames -> states -> discrete actions, found without labels (CADDY)."""
