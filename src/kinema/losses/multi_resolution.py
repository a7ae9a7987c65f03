"""Distances of frames made at several resolutions from the true ones (CADDY, CVPR 2021, Sec. 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def shrink_to(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, H, W) images at (height, width), bilinear without a blur before it, as CADDY compares them."""
    if (images.shape[2], images.shape[3]) == size:
        return images
    return F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=False)


def motion_weights(real: Tensor, made: Tensor, *, bias: float) -> Tensor:
    """How much each pixel of a clip counts where what moves shall count more.

    Args:
        real: (B, T, 3, H, W).
        made: (B, T, 3, H, W) or, without the first frame, (B, T - 1, 3, H, W).
        bias: what a pixel counts that moves in neither.

    Returns:
        (B, T, 1, H, W), not negative, without gradient; 1 in the first frame, which nothing precedes.
    """
    real, made = real.detach(), made.detach()
    if made.shape[1] < real.shape[1]:
        made = torch.cat([real[:, :1], made], dim=1)
    moved = (real.diff(dim=1).abs() + made.diff(dim=1).abs()).sum(dim=2, keepdim=True) + bias
    return torch.cat([torch.ones_like(moved[:, :1]), moved], dim=1)


def clip_motion_weights(real: Tensor, made: Tensor, *, bias: float) -> Tensor:
    """How much each pixel of a clip counts where what moves at any time shall count more, at all times.

    With :func:`motion_weights` a thing that rests and may move counts most where it has just left, so that the best
    guess of an uncertain network is to erase it: a paddle of two rows vanished.

    Args:
        real: (B, T, 3, H, W), T at least 2.
        made: (B, T, 3, H, W) or, without the first frame, (B, T - 1, 3, H, W).
        bias: what a pixel counts that never moves.

    Returns:
        (B, T, 1, H, W), not negative, without gradient, the same at all times.
    """
    weights = motion_weights(real, made, bias=bias)
    return weights[:, 1:].amax(dim=1, keepdim=True).expand_as(weights)


def pixel_distances(made: Sequence[Tensor], real: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean absolute difference at each resolution.

    Args:
        made: frames (B, 3, h, w) at R resolutions.
        real: (B, 3, H, W), the same range.
        weights: (B, 1, H, W), which say how much each pixel of a frame counts beside its others; None: alike.

    Returns:
        (R,).
    """
    distances = []
    for level in made:
        size = (level.shape[2], level.shape[3])
        distances.append(_mean((level - shrink_to(real, size)).abs(), weights))
    return torch.stack(distances)


def feature_distances(
    features: Callable[[Tensor], Sequence[Tensor]],
    made: Sequence[Tensor],
    real: Tensor,
    map_weights: Sequence[float],
    weights: Tensor | None = None,
) -> Tensor:
    """Weighted mean absolute difference of the maps of a frozen network at each resolution.

    Args:
        features: frames (B, 3, h, w) to maps.
        made: frames (B, 3, h, w) at R resolutions.
        real: (B, 3, H, W), the same range; no gradient flows into it.
        map_weights: one for each map.
        weights: (B, 1, H, W), which say how much each pixel of a frame counts beside its others; None: alike.

    Returns:
        (R,).
    """
    distances = []
    for level in made:
        with torch.no_grad():
            wanted = features(shrink_to(real, (level.shape[2], level.shape[3])))
        terms = [
            weight * _mean((m - r).abs(), weights)
            for m, r, weight in zip(features(level), wanted, map_weights, strict=True)
            if weight != 0
        ]
        distances.append(torch.stack(terms).sum())
    return torch.stack(distances)


def _mean(differences: Tensor, weights: Tensor | None) -> Tensor:
    """Scalar mean of (B, C, h, w); with weights every frame counts alike, and they divide it among its pixels."""
    if weights is None:
        return differences.mean()
    shares = shrink_to(weights, (differences.shape[2], differences.shape[3]))
    return (differences * shares).mean(dim=(1, 2, 3)).div(shares.mean(dim=(1, 2, 3))).mean()
