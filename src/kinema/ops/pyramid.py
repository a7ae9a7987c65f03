"""Downsamples frames with an antialiasing blur and builds image pyramids."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor


@lru_cache(maxsize=32)
def antialias_kernel(scale: float) -> Tensor:
    """One axis of the Gaussian with which the authors blur before they subsample.

    Args:
        scale: below 1; 0.25 keeps every fourth pixel.

    Returns:
        (2 * radius + 1,) with sum 1, sigma = (1 / scale - 1) / 2, radius = 4 sigma.
    """
    sigma = (1 / scale - 1) / 2
    radius = round(sigma * 4)
    # The cache outlives the caller: a kernel created under inference_mode could not be used in training later.
    with torch.inference_mode(False):
        offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
        kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
        return (kernel / kernel.sum()).float()


def downsample(frames: Tensor, scale: float) -> Tensor:
    """Blurs and subsamples frames; outside the frame are zeros.

    Args:
        frames: (B, C, H, W).
        scale: 1 returns the frames; otherwise every int(1 / scale)-th pixel is kept, so 0.375 keeps every second.

    Returns:
        (B, C, ceil(H / step), ceil(W / step)).
    """
    if scale == 1:
        return frames
    kernel = antialias_kernel(scale).to(frames)
    radius = kernel.shape[0] // 2
    channels = frames.shape[1]
    step = int(1 / scale)
    # The Gaussian is separable: two passes of n taps instead of one of n * n.
    rows = kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    columns = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    blurred = F.conv2d(frames, rows, stride=(step, 1), padding=(radius, 0), groups=channels)
    return F.conv2d(blurred, columns, stride=(1, step), padding=(0, radius), groups=channels)


def pyramid(frames: Tensor, scales: tuple[float, ...]) -> tuple[Tensor, ...]:
    """The same frames at several scales.

    Args:
        frames: (B, C, H, W).
        scales: each as in :func:`downsample`.

    Returns:
        One (B, C, H', W') tensor for each scale, in their order.
    """
    return tuple(downsample(frames, scale) for scale in scales)
