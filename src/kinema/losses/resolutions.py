"""Distances of frames made at several resolutions from the true ones (CADDY, CVPR 2021, Sec. 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.losses.reconstruction import weighted_l1


def shrink_to(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 3, H, W) frames at (height, width), bilinear without a blur before it, as CADDY compares them."""
    if (frames.shape[2], frames.shape[3]) == size:
        return frames
    return F.interpolate(frames, size, mode="bilinear", align_corners=False, antialias=False)


def pixel_distances(made: Sequence[Tensor], real: Tensor) -> Tensor:
    """Mean absolute difference at each resolution.

    Args:
        made: frames (B, 3, h, w) at R resolutions.
        real: (B, 3, H, W), the same range.

    Returns:
        (R,).
    """
    return torch.stack([(level - shrink_to(real, (level.shape[2], level.shape[3]))).abs().mean() for level in made])


def feature_distances(
    features: Callable[[Tensor], Sequence[Tensor]], made: Sequence[Tensor], real: Tensor, weights: Sequence[float]
) -> Tensor:
    """Weighted mean absolute difference of the maps of a frozen network at each resolution.

    Args:
        features: frames (B, 3, h, w) to maps.
        made: frames (B, 3, h, w) at R resolutions.
        real: (B, 3, H, W), the same range; no gradient flows into it.
        weights: one for each map.

    Returns:
        (R,).
    """
    distances = []
    for level in made:
        with torch.no_grad():
            wanted = features(shrink_to(real, (level.shape[2], level.shape[3])))
        distances.append(weighted_l1(features(level), wanted, weights))
    return torch.stack(distances)
