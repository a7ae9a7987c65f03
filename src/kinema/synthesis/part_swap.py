"""Swaps parts of a source frame into a target frame (Co-Part Segmentation, Siarohin et al., ICPR 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Motion
from kinema.ops.pyramid import downsample
from kinema.ops.warp import resize_deformation, resize_map, warp
from kinema.synthesis.warping_generator import WarpingGenerator


def swap_parts(
    generator: WarpingGenerator,
    source: tuple[Tensor, Tensor],
    target: Tensor,
    motion: Motion,
    blend: Tensor,
    *,
    of_source: bool,
) -> tuple[Tensor, Tensor]:
    """Decodes the target frame with the source's features wherever ``blend`` is set.

    Args:
        generator: encodes the target and decodes the result.
        source: frame (B, 3, H, W) in [0, 1] and its features from ``generator.encode``, B rows or one for all.
        target: (B, 3, H, W) in [0, 1].
        motion: from the target to the source.
        blend: (B, 1, h, w) in [0, 1] of any size, the weight of the source.
        of_source: ``blend`` is given on the source and moves with it; otherwise it is given on the target.

    Returns:
        Frames (B, 3, H, W) in [0, 1], and the weight of the source in them, (B, 1, h', w') in [0, 1], at the size of
        the features.
    """
    frame, features = source
    kept = generator.encode(target)
    moved = generator.warp_features(features, motion)
    alpha = shrink_mask(blend, (kept.shape[2], kept.shape[3])).expand(kept.shape[0], -1, -1, -1)
    if of_source:
        deformation = resize_deformation(motion.deformation, (alpha.shape[2], alpha.shape[3]))
        alpha = warp(alpha, deformation, align_corners=generator.config.align_corners)
    painted = generator.decode(kept * (1 - alpha) + moved * alpha).sigmoid()
    if not generator.config.blend_source:
        return painted, alpha
    pixels = resize_map(alpha, (target.shape[2], target.shape[3]))
    copied = torch.lerp(target, generator.warp_source(frame, motion), pixels.to(target.dtype))
    colours, source_alpha = painted.to(copied.dtype).split([generator.config.num_channels, 1], dim=1)
    return torch.lerp(colours, copied, source_alpha), alpha


def shrink_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes a mask to the size of the features.

    Args:
        mask: (B, 1, h, w).
        size: (height, width) of the result.

    Returns:
        (B, 1, height, width); blurred and subsampled if both sides shrink by the same whole factor, otherwise resized
        bilinearly.
    """
    factor = mask.shape[2] // size[0]
    if factor > 1 and (mask.shape[2], mask.shape[3]) == (factor * size[0], factor * size[1]):
        return downsample(mask, 1 / factor)
    return resize_map(mask, size)
