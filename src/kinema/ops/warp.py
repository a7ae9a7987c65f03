"""Backward warping. The only place that calls ``grid_sample``, so that one coordinate rule holds everywhere."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def warp(features: Tensor, deformation: Tensor, *, padding: str = "zeros", align_corners: bool = True) -> Tensor:
    """Samples ``features`` bilinearly at the points of ``deformation`` (backward warp).

    Args:
        features: (B, C, H, W), any range.
        deformation: (B, H', W', 2), absolute points (x, y) in [-1, 1].
        padding: what lies outside: "zeros", "border" or "reflection".
        align_corners: True puts -1 and 1 at the centres of the corner pixels (kinema's rule and that of the
            papers' weights); False at their outer edges, for weights that were trained so.

    Returns:
        (B, C, H', W'). With ``align_corners`` the identity grid gives ``features`` back.
    """
    return F.grid_sample(features, deformation, mode="bilinear", padding_mode=padding, align_corners=align_corners)


def resize_deformation(deformation: Tensor, size: tuple[int, int]) -> Tensor:
    """A deformation at another resolution, bilinear with pixel edges aligned, as the authors' code does.

    Args:
        deformation: (B, H, W, 2) absolute grid.
        size: (height, width) wanted.

    Returns:
        (B, height, width, 2); the input itself when it already has that size.
    """
    if deformation.shape[1:3] == size:
        return deformation
    channels_first = deformation.movedim(-1, 1)  # (B, 2, H, W)
    return F.interpolate(channels_first, size=size, mode="bilinear", align_corners=False).movedim(1, -1)


def resize_map(values: Tensor, size: tuple[int, int]) -> Tensor:
    """A map such as an occlusion at another resolution, by the same rule as :func:`resize_deformation`.

    Args:
        values: (B, C, H, W).
        size: (height, width) wanted.

    Returns:
        (B, C, height, width); the input itself when it already has that size.
    """
    if values.shape[2:] == size:
        return values
    return F.interpolate(values, size=size, mode="bilinear", align_corners=False)
