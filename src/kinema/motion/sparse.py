"""Computes a candidate motion for each keypoint (FOMM Eqs. 4, 6 and 7)."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.ops.affine import compose_2x2, invert_2x2, map_points
from kinema.ops.grid import identity_grid
from kinema.ops.heatmap import gaussian_heatmap
from kinema.ops.warp import warp


def sparse_motions(kp_source: Keypoints, kp_driving: Keypoints, size: tuple[int, int]) -> Tensor:
    """Backward motion near each keypoint: z -> kp_source + J_source J_driving^-1 (z - kp_driving), Eq. 4.

    Args:
        kp_source: of the picture that is sampled, B rows or one row for all.
        kp_driving: of the generated picture, B rows. Without Jacobians the motion is a translation.
        size: (height, width) of the grids.

    Returns:
        (B, K + 1, height, width, 2) absolute grids from driving to source; index 0, the background, does not move.
    """
    value = kp_driving.value
    identity = identity_grid(size, device=value.device, dtype=value.dtype)
    offsets = identity - value[:, :, None, None]  # (B, K, H, W, 2)
    if kp_driving.jacobian is not None and kp_source.jacobian is not None:
        linear = compose_2x2(kp_source.jacobian, invert_2x2(kp_driving.jacobian))  # (B, K, 2, 2)
        offsets = map_points(offsets, linear.unsqueeze(2))
    moved = offsets + kp_source.value[:, :, None, None]
    return torch.cat([identity.expand(moved.shape[0], 1, -1, -1, -1), moved], dim=1)


def heatmap_difference(
    kp_source: Keypoints, kp_driving: Keypoints, size: tuple[int, int], *, variance: float
) -> Tensor:
    """Where each keypoint arrives and leaves: Gaussian(driving) - Gaussian(source), Eq. 6.

    Args:
        kp_source: B rows or one row for all.
        kp_driving: B rows.
        size: (height, width) of the maps.
        variance: of the Gaussians, in squared coordinate units.

    Returns:
        (B, K + 1, height, width) in [-1, 1]; index 0, the background, is zero.
    """
    difference = gaussian_heatmap(kp_driving.value, size, variance=variance) - gaussian_heatmap(
        kp_source.value, size, variance=variance
    )
    return torch.cat([torch.zeros_like(difference[:, :1]), difference], dim=1)


def deform_by_each(source: Tensor, motions: Tensor, *, align_corners: bool) -> Tensor:
    """Warps the source by every candidate motion, Eq. 7.

    Args:
        source: (B, C, H, W), or one row for all.
        motions: (B, K + 1, H, W, 2), index 0 the identity.
        align_corners: as in :func:`kinema.ops.warp.warp`.

    Returns:
        (B, K + 1, C, H, W).
    """
    batch, candidates, height, width, _ = motions.shape
    channels = source.shape[1]
    # The motions are stacked along the height of one tall grid, so that the source need not be copied K + 1 times.
    tall = motions.flatten(1, 2)  # (B, (K + 1) * H, W, 2)
    deformed = warp(source.expand(batch, -1, -1, -1), tall, align_corners=align_corners)
    return deformed.view(batch, channels, candidates, height, width).movedim(2, 1)
