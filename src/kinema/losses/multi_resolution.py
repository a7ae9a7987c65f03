"""Measures how far frames generated at several resolutions are from the true ones (CADDY, CVPR 2021, Sec. 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def shrink_to(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes (B, C, H, W) images to (height, width) bilinearly without blurring them first, as CADDY does."""
    if (images.shape[2], images.shape[3]) == size:
        return images
    return F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=False)


def motion_weights(real: Tensor, generated: Tensor, *, bias: float) -> Tensor:
    """Loss weights for the pixels of a clip that are higher where something moves at that time step.

    Args:
        real: (B, T, 3, H, W).
        generated: (B, T, 3, H, W) or, without the first frame, (B, T - 1, 3, H, W).
        bias: weight of a pixel that moves in neither clip.

    Returns:
        (B, T, 1, H, W), not negative, without gradient; 1 in the first frame, which nothing precedes.
    """
    real, generated = real.detach(), generated.detach()
    if generated.shape[1] < real.shape[1]:
        generated = torch.cat([real[:, :1], generated], dim=1)
    moved = (real.diff(dim=1).abs() + generated.diff(dim=1).abs()).sum(dim=2, keepdim=True) + bias
    return torch.cat([torch.ones_like(moved[:, :1]), moved], dim=1)


def clip_motion_weights(real: Tensor, generated: Tensor, *, bias: float) -> Tensor:
    """Loss weights for the pixels of a clip that are higher, at all time steps, where something moves at any time step.

    :func:`motion_weights` weights an object that rests but could move highest at the place that it has just left. The
    best guess of an uncertain network is then to erase the object: a paddle two pixels high vanished.

    Args:
        real: (B, T, 3, H, W), T at least 2.
        generated: (B, T, 3, H, W) or, without the first frame, (B, T - 1, 3, H, W).
        bias: weight of a pixel that never moves.

    Returns:
        (B, T, 1, H, W), not negative, without gradient, the same at all time steps.
    """
    weights = motion_weights(real, generated, bias=bias)
    return weights[:, 1:].amax(dim=1, keepdim=True).expand_as(weights)


def pixel_distances(generated: Sequence[Tensor], real: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean absolute difference at each resolution.

    Args:
        generated: frames (B, 3, h, w) at R resolutions.
        real: (B, 3, H, W), the same range.
        weights: (B, 1, H, W), which say how much each pixel of a frame counts beside its others; None: alike.

    Returns:
        (R,).
    """
    distances = []
    for level in generated:
        size = (level.shape[2], level.shape[3])
        distances.append(_mean((level - shrink_to(real, size)).abs(), weights))
    return torch.stack(distances)


def feature_distances(
    features: Callable[[Tensor], Sequence[Tensor]],
    generated: Sequence[Tensor],
    real: Tensor,
    map_weights: Sequence[float],
    weights: Tensor | None = None,
) -> Tensor:
    """Weighted mean absolute difference of the maps of a frozen network at each resolution.

    Args:
        features: frames (B, 3, h, w) to maps.
        generated: frames (B, 3, h, w) at R resolutions.
        real: (B, 3, H, W), the same range; no gradient flows into it.
        map_weights: one for each map.
        weights: (B, 1, H, W), which say how much each pixel of a frame counts beside its others; None: alike.

    Returns:
        (R,).
    """
    distances = []
    for level in generated:
        with torch.no_grad():
            wanted = features(shrink_to(real, (level.shape[2], level.shape[3])))
        terms = [
            weight * _mean((ours - true).abs(), weights)
            for ours, true, weight in zip(features(level), wanted, map_weights, strict=True)
            if weight != 0
        ]
        distances.append(torch.stack(terms).sum())
    return torch.stack(distances)


def _mean(differences: Tensor, weights: Tensor | None) -> Tensor:
    """Scalar mean of (B, C, h, w); with weights, a weighted mean over the pixels of each frame, then over frames."""
    if weights is None:
        return differences.mean()
    resized = shrink_to(weights, (differences.shape[2], differences.shape[3]))
    return (differences * resized).mean(dim=(1, 2, 3)).div(resized.mean(dim=(1, 2, 3))).mean()
