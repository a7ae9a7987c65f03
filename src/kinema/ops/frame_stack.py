"""Observations: a frame and those before it, side by side in the channels, the most recent first."""

from __future__ import annotations

import torch
from torch import Tensor


def stack_frames(frames: Tensor, stack: int) -> Tensor:
    """The observation at each moment of a clip; what lies before its first frame is that frame.

    Args:
        frames: (B, T, C, H, W).
        stack: S, frames of an observation.

    Returns:
        (B, T, S * C, H, W).
    """
    earlier = [torch.cat([frames[:, :1].expand(-1, n, -1, -1, -1), frames], dim=1) for n in range(1, stack)]
    return torch.cat([frames, *(shifted[:, : frames.shape[1]] for shifted in earlier)], dim=2)


def push_frame(observation: Tensor, frame: Tensor) -> Tensor:
    """The observation after one more frame.

    Args:
        observation: (B, S * C, H, W).
        frame: (B, C, H, W), the new one.

    Returns:
        (B, S * C, H, W), without the oldest.
    """
    return torch.cat([frame, observation[:, : observation.shape[1] - frame.shape[1]]], dim=1)
