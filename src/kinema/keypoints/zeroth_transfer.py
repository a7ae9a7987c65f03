"""Transfers the motion of driving keypoints with covariance to the source's keypoints (Monkey-Net, Siarohin et al.,
CVPR 2019, Sec. 3.4)."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.keypoints.transfer import movement_scale
from kinema.ops.affine import invert_2x2

# Replaces eigenvalues of a covariance that are not positive, as in the authors' code.
LEAST_VARIANCE = 1e-6


def transfer_keypoints(
    kp_source: Keypoints,
    kp_driving: Keypoints,
    kp_anchor: Keypoints,
    *,
    move_location: bool = False,
    movement_mult: bool = False,
    adapt_variance: bool = False,
    clip_mean: bool = False,
) -> Keypoints:
    """The keypoints that the generator should reach; every option works without the others.

    Args:
        kp_source: of the source, one row.
        kp_driving: of B driving frames.
        kp_anchor: of the driving frame posed like the source, one row; the authors take the first frame.
        move_location: add the driving movement since the anchor to the source's own points.
        movement_mult: scale that movement by the sizes of the two objects (areas of the hulls of their points); without
            ``move_location`` there is nothing to scale.
        adapt_variance: apply the change of the driving covariance to the source's covariance.
        clip_mean: keep points inside the frame.

    Returns:
        B rows; ``covariance`` only if the driving keypoints have one.
    """
    value = kp_driving.value
    if move_location:
        movement = value - kp_anchor.value
        if movement_mult:
            movement = movement * movement_scale(kp_source, kp_anchor)
        value = kp_source.value + movement
    if clip_mean:
        value = value.clamp(-1, 1)
    covariance = kp_driving.covariance
    if adapt_variance and covariance is not None:
        assert kp_anchor.covariance is not None and kp_source.covariance is not None
        covariance = _carry_change(covariance, kp_anchor.covariance, kp_source.covariance)
    return Keypoints(value, covariance=covariance)


def _carry_change(driving: Tensor, anchor: Tensor, source: Tensor) -> Tensor:
    """The (B, K, n, n) product driving anchor^-1 source, made symmetric and positive definite."""
    if driving.shape[-1] == 1:
        return (driving / anchor * source).clamp_min(LEAST_VARIANCE)
    return make_positive(driving @ invert_2x2(anchor) @ source)


def make_positive(matrices: Tensor) -> Tensor:
    """The symmetric part of (..., 2, 2) matrices, with eigenvalues that are not positive replaced: (..., 2, 2)."""
    values, vectors = torch.linalg.eigh((matrices + matrices.mT) / 2)
    values = torch.where(values > 0, values, LEAST_VARIANCE)
    return (vectors * values.unsqueeze(-2)) @ vectors.mT
