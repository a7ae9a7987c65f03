"""Stacks a frame and those before it along the channels, the most recent first, as an observation."""

from __future__ import annotations

import torch
from torch import Tensor


def stack_frames(frames: Tensor, stack: int) -> Tensor:
    """The observation at each time step of a clip; before the first frame, that frame is repeated.

    Args:
        frames: (B, T, C, H, W).
        stack: S, frames of an observation.

    Returns:
        (B, T, S * C, H, W).
    """
    earlier = [torch.cat([frames[:, :1].expand(-1, n, -1, -1, -1), frames], dim=1) for n in range(1, stack)]
    return torch.cat([frames, *(shifted[:, : frames.shape[1]] for shifted in earlier)], dim=2)


def push_frame(observation: Tensor, frame: Tensor) -> Tensor:
    """Adds a new frame to an observation.

    Args:
        observation: (B, S * C, H, W).
        frame: (B, C, H, W), the new one.

    Returns:
        (B, S * C, H, W), without the oldest frame.
    """
    return torch.cat([frame, observation[:, : observation.shape[1] - frame.shape[1]]], dim=1)
