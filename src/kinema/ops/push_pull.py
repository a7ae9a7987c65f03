"""Fills holes in frames from the known pixels around them."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor


def fill_holes(frames: Tensor, known: Tensor) -> Tensor:
    """Fills pixels by averaging known ones up a pyramid and interpolating back (Gortler et al., "The Lumigraph", 1996).

    The result is smooth, without texture: good for walls, sky and floors, not for patterns.

    Args:
        frames: (B, C, H, W).
        known: (B, 1, H, W) in [0, 1], 0 where a pixel is to be filled.

    Returns:
        (B, C, H, W): the frames where ``known`` is 1, a blend where it is between 0 and 1; zeros if no pixel is known.
    """
    height, width = frames.shape[2:]
    if height == 1 and width == 1:
        return frames * known
    padded, weight = (F.pad(maps, (0, width % 2, 0, height % 2)) for maps in (frames * known, known))
    coarse_weight = F.avg_pool2d(weight, 2)
    coarse = F.avg_pool2d(padded, 2) / coarse_weight.clamp_min(torch.finfo(frames.dtype).tiny)
    # Times four: a coarse pixel counts as known if one of its four pixels is.
    coarse = fill_holes(coarse, (4 * coarse_weight).clamp(max=1))
    size = (2 * coarse.shape[2], 2 * coarse.shape[3])
    around = F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)[:, :, :height, :width]
    return torch.lerp(around, frames, known)


def fill_image_holes(image: NDArray[np.generic], known: NDArray[np.floating]) -> NDArray[np.float32]:
    """As :func:`fill_holes`, of one picture that is no tensor.

    Args:
        image: (H, W, C), any range.
        known: (H, W) in [0, 1].

    Returns:
        float32 (H, W, C).
    """
    frames = torch.from_numpy(image.astype(np.float32)).movedim(-1, 0)[None]  # (1, C, H, W)
    weights = torch.from_numpy(np.ascontiguousarray(known, dtype=np.float32))[None, None]  # (1, 1, H, W)
    return fill_holes(frames, weights)[0].movedim(0, -1).contiguous().numpy()
