"""Draws the random transforms that keypoints must follow, and weighs the losses that spread keypoints out."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.losses.keypoint_spread import concentration, separation
from kinema.ops.thin_plate import SmoothTransform, random_transform
from kinema.train.phases import Turn


class TransformStrength(Protocol):
    """The fields of an objective that say how strong its random transforms are."""

    @property
    def sigma_affine(self) -> float:
        """Standard deviation of the affine part."""
        ...

    @property
    def sigma_thin_plate(self) -> float:
        """Standard deviation of the thin-plate part."""
        ...

    @property
    def grid_points(self) -> int:
        """Control points of the thin-plate part along an axis."""
        ...


class SpreadWeights(Protocol):
    """The fields of an objective that say how keypoints are spread out."""

    @property
    def separation(self) -> float:
        """Weight of the repulsion between keypoints."""
        ...

    @property
    def separation_distance(self) -> float:
        """Reach of the repulsion, in coordinate units."""
        ...

    @property
    def concentration(self) -> float:
        """Weight of the spread of each heatmap."""
        ...


def draw_transform(frames: Tensor, strength: TransformStrength, turn: Turn) -> SmoothTransform:
    """A random transform for each of (B, 3, H, W) frames: ``turn.shared["transform"]`` where the turn holds one."""

    def make(rows: int, generator: torch.Generator) -> SmoothTransform:
        return random_transform(
            rows,
            sigma_affine=strength.sigma_affine,
            sigma_thin_plate=strength.sigma_thin_plate,
            grid_points=strength.grid_points,
            generator=generator,
            device=frames.device,
        )

    return turn.shared.get("transform") or turn.draw(frames.shape[0], make)


def spread_losses(kp: Keypoints, weights: SpreadWeights) -> dict[str, Tensor]:
    """Weighted losses that keep keypoints apart and their heatmaps narrow; of no paper, ours.

    Args:
        kp: value (B, K, 2), heatmap (B, K, h, w).
        weights: of the two terms.

    Returns:
        Name to scalar: separation and concentration, those whose weight is not 0.
    """
    losses: dict[str, Tensor] = {}
    if weights.separation:
        losses["separation"] = weights.separation * separation(kp, distance=weights.separation_distance)
    if weights.concentration:
        losses["concentration"] = weights.concentration * concentration(kp)
    return losses
