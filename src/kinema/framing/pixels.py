"""Converts uint8 pictures (T, H, W, 3) to float frames (T, 3, H, W) in [0, 1] and back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def to_frames(images: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) or (T, H, W, 3) pictures as float32 frames (1 or T, 3, H, W) in [0, 1]."""
    pixels = torch.from_numpy(np.array(images))  # a copy: cached clips are mapped read-only
    if pixels.ndim == 3:
        pixels = pixels[None]
    return pixels.movedim(-1, 1).to(torch.float32).div_(255)


def to_images(frames: Tensor) -> np.ndarray:
    """Frames (B, 3, H, W) in [0, 1] as uint8 pictures (B, H, W, 3), rounded to the nearest level."""
    levels = frames.detach().float().clamp(0, 1).mul(255).round_().to(torch.uint8)
    return levels.movedim(1, -1).cpu().contiguous().numpy()
