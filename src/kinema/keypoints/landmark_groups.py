"""Turns the landmarks of two frames into keypoints: one for each group of landmarks that move together."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.faces.landmarks import GROUPS
from kinema.ops.affine import compose_2x2, invert_2x2

# A fraction of the group's mean variance. The landmarks of a brow lie almost on a line: how they move across it cannot
# be estimated, and no such motion is assumed.
RIDGE = 0.03


def group_keypoints(source: Tensor, driving: Tensor, *, ridge: float = RIDGE) -> tuple[Keypoints, Keypoints]:
    """The centre of each group, and the affine map from source to driving that fits the group best (least squares).

    Args:
        source: (B, 68, 2) landmarks (x, y) in [-1, 1], or one row for all.
        driving: (B, 68, 2).
        ridge: how strongly a map is drawn to the identity, as a fraction of the group's mean variance.

    Returns:
        Keypoints of source and driving, ``value`` (B, K, 2) and ``jacobian`` (B, K, 2, 2). The source's Jacobians are
        the identity, those of driving are the affine maps; the motion between the two depends only on their ratio.
    """
    centres, centred = zip(*(_centred(points) for points in (source, driving)), strict=True)
    shape, moved = centred
    spread = _products(shape, shape)  # (B, K, 2, 2)
    identity = torch.eye(2, dtype=source.dtype, device=source.device)
    amount = ridge * spread.diagonal(dim1=-2, dim2=-1).mean(dim=-1)[..., None, None].clamp_min(1e-8) * identity
    maps = compose_2x2(_products(moved, shape) + amount, invert_2x2(spread + amount))
    still = identity.expand(*centres[0].shape[:2], 2, 2)
    return Keypoints(centres[0], jacobian=still), Keypoints(centres[1], jacobian=maps)


def _centred(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 68, 2) to centres (B, K, 2) and offsets from them (B, K, M, 2), zero beyond the points of a smaller group."""
    most = max(len(group) for group in GROUPS)
    # Smaller groups are padded with their first point, which then gets weight 0.
    index = torch.tensor([[*group, *(group[:1] * (most - len(group)))] for group in GROUPS], device=landmarks.device)
    counted = torch.tensor([[place < len(group) for place in range(most)] for group in GROUPS], device=landmarks.device)
    points, weights = landmarks[:, index], counted.to(landmarks)[..., None]  # (B, K, M, 2) and (K, M, 1)
    centres = (points * weights).sum(dim=2) / weights.sum(dim=1)
    return centres, (points - centres[:, :, None]) * weights


def _products(first: Tensor, second: Tensor) -> Tensor:
    """The sum over points of the outer products of two (B, K, M, 2): (B, K, 2, 2)."""
    return (first[..., :, None] * second[..., None, :]).sum(dim=2)
