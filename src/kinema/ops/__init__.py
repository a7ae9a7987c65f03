"""Holds functions without weights: grids, warps, heatmaps, affine maps, thin-plate transforms, pyramids."""
