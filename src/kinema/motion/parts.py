"""Computes dense motion from the parts of two frames, without a network (Co-Part Segmentation, Siarohin et al., ICPR
2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Keypoints, Motion
from kinema.motion.sparse import sparse_motions
from kinema.ops.warp import resize_map, warp


def part_motion(kp_source: Keypoints, kp_driving: Keypoints, *, visibility: bool) -> Motion:
    """Moves every pixel with the parts that it belongs to; the background stays in place.

    Args:
        kp_source: of the picture that is sampled, with ``segmentation``; B rows or one row for all.
        kp_driving: of the generated picture, with ``segmentation``; B rows.
        visibility: also compute an occlusion: where the generated picture shows background that the source's object
            hides.

    Returns:
        ``deformation`` (B, h, w, 2), ``occlusion`` (B, 1, h, w) or None, ``mask`` (B, K + 1, h, w).
    """
    mask, hidden = kp_driving.segmentation, kp_source.segmentation
    assert mask is not None and hidden is not None
    motions = sparse_motions(kp_source, kp_driving, (mask.shape[2], mask.shape[3]))
    deformation = (motions * mask.unsqueeze(-1)).sum(dim=1)
    occlusion = None
    if visibility:
        # Only the source's segmentation gets gradients from this, as in the authors' code.
        background = 1 - mask[:, 1:].sum(dim=1, keepdim=True).detach()
        # The two pictures may differ in size.
        hidden = resize_map(hidden[:, 1:].sum(dim=1, keepdim=True), (mask.shape[2], mask.shape[3]))
        occlusion = 1 - hidden * background
    return Motion(deformation, occlusion, mask)


def carry_segmentation(kp_source: Keypoints, kp_driving: Keypoints) -> Tensor:
    """Moves the source's segmentation to a pose of which there is no picture to segment.

    Args:
        kp_source: with ``segmentation``; B rows or one row for all.
        kp_driving: the pose to reach, B rows.

    Returns:
        (B, K + 1, h, w) with sum 1 over the parts; pixels that no part reaches are background.
    """
    assert kp_source.segmentation is not None
    size = (kp_source.segmentation.shape[2], kp_source.segmentation.shape[3])
    motions = sparse_motions(kp_source, kp_driving, size)[:, 1:]  # (B, K, h, w, 2)
    source_parts = kp_source.segmentation[:, 1:].to(motions.dtype).expand(motions.shape[0], -1, -1, -1)
    moved = warp(source_parts.flatten(0, 1).unsqueeze(1), motions.flatten(0, 1))  # (B * K, 1, h, w)
    parts = moved.view(source_parts.shape)
    parts = parts / parts.sum(dim=1, keepdim=True).clamp_min(1)
    return torch.cat([1 - parts.sum(dim=1, keepdim=True), parts], dim=1)
