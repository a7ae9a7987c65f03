"""Penalizes keypoints that lie close together or have wide heatmaps (Zhang et al., CVPR 2018, Sec. 3.2: separation and
concentration constraints).

Without these losses, ten keypoints learned from small clips all settle on the object's centroid and describe one affine
motion.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.ops.grid import identity_grid


def separation(kp: Keypoints, *, distance: float) -> Tensor:
    """Separation loss: how close the keypoints of one frame are to each other.

    Args:
        kp: value (B, K, 2).
        distance: standard deviation of the repulsion, in coordinate units.

    Returns:
        Scalar in [0, 1]: mean over pairs of exp(-d^2 / 2 distance^2); 0 for a single keypoint.
    """
    count = kp.value.shape[1]
    if count < 2:
        return kp.value.new_zeros(())
    squared = (kp.value[:, :, None] - kp.value[:, None]).square().sum(dim=-1)  # (B, K, K)
    crowding = torch.exp(-squared / (2 * distance**2))
    return (crowding.sum(dim=(1, 2)) - count).mean() / (count * (count - 1))


def concentration(kp: Keypoints) -> Tensor:
    """Concentration loss: how far the heatmaps spread around their keypoints.

    Args:
        kp: value (B, K, 2) and heatmap (B, K, H, W), each map with sum 1.

    Returns:
        Scalar: mean variance, the sum over x and y, in squared coordinate units.
    """
    assert kp.heatmap is not None
    heatmap = kp.heatmap
    grid = identity_grid((heatmap.shape[2], heatmap.shape[3]), device=heatmap.device, dtype=heatmap.dtype)
    squared_x = (heatmap.sum(dim=2) * grid[0, :, 0].square()).sum(dim=-1)
    squared_y = (heatmap.sum(dim=3) * grid[:, 0, 1].square()).sum(dim=-1)
    return (squared_x + squared_y - kp.value.square().sum(dim=-1)).mean()
