"""Measures generated frames, motions and actions against true ones."""
