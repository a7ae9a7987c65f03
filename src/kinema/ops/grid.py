"""Builds coordinate grids: points (x, y) in [-1, 1], where -1 and 1 are the centres of the corner pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def identity_grid(
    size: tuple[int, int], *, device: torch.device | str | None = None, dtype: torch.dtype = torch.float32
) -> Tensor:
    """The sampling grid that leaves a picture as it is.

    Args:
        size: (height, width), each at least 2.

    Returns:
        (H, W, 2), last axis (x, y) in [-1, 1], corner pixel centres at -1 and 1.

    >>> identity_grid((2, 3))[0].tolist()
    [[-1.0, -1.0], [0.0, -1.0], [1.0, -1.0]]
    """
    height, width = size
    x = 2 * torch.arange(width, device=device, dtype=dtype) / (width - 1) - 1
    y = 2 * torch.arange(height, device=device, dtype=dtype) / (height - 1) - 1
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1)
