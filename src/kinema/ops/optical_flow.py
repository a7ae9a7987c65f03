"""Estimates optical flow between two pictures (Lucas and Kanade, 1981, from coarse to fine)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.ops.grid import identity_grid
from kinema.ops.warp import resize_map, warp

# Sums of squared grey differences ([0, 1]) over a window that are below this say nothing about motion: the flow is 0.
_FLAT = 1e-3


def optical_flow(first: Tensor, second: Tensor, *, levels: int = 4, steps: int = 3, window: int = 9) -> Tensor:
    """The displacement of the pixels of ``first`` in ``second``.

    Args:
        first: (B, 3, H, W) RGB in [0, 1].
        second: (B, 3, H, W), the next frame.
        levels: of the pyramid; motions up to about 2 ** levels pixels are found.
        steps: refinements at each level.
        window: side in pixels, odd, of the square whose pixels are assumed to move together.

    Returns:
        (B, 2, H, W) displacement (x, y) in pixels, x to the right, y down; 0 in places without texture.
    """
    pairs = [(first.mean(dim=1, keepdim=True), second.mean(dim=1, keepdim=True))]  # (B, 1, H, W)
    while len(pairs) < levels and min(pairs[-1][0].shape[2:]) >= 4 * window:
        pairs.append((F.avg_pool2d(pairs[-1][0], 2), F.avg_pool2d(pairs[-1][1], 2)))
    flow = first.new_zeros(len(first), 2, *pairs[-1][0].shape[2:])
    for before, after in reversed(pairs):
        size = (before.shape[2], before.shape[3])
        if flow.shape[2:] != before.shape[2:]:
            flow = 2 * resize_map(flow, size)
        for _ in range(steps):
            flow = flow + _refine(before, warp(after, _grid(flow, size), padding="border"), window)
    return flow


def _grid(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """The points (B, H, W, 2) in [-1, 1] to which a flow (B, 2, H, W) in pixels leads."""
    scale = flow.new_tensor([2 / (size[1] - 1), 2 / (size[0] - 1)])
    return identity_grid(size, device=flow.device, dtype=flow.dtype) + flow.movedim(1, -1) * scale


def _refine(before: Tensor, after: Tensor, window: int) -> Tensor:
    """The shift that best explains, in each window, how two (B, 1, H, W) pictures differ: (B, 2, H, W)."""
    padded = F.pad((before + after) / 2, (1, 1, 1, 1), mode="replicate")
    along_x = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
    along_y = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
    change = before - after
    products = torch.cat(
        [along_x * along_x, along_x * along_y, along_y * along_y, along_x * change, along_y * change], dim=1
    )
    sums = F.avg_pool2d(products, window, stride=1, padding=window // 2, count_include_pad=False) * window**2
    xx, xy, yy, xt, yt = sums.unsqueeze(2).unbind(dim=1)  # (B, 1, H, W) each
    xx, yy = xx + _FLAT, yy + _FLAT
    determinant = xx * yy - xy * xy
    shift = torch.cat([yy * xt - xy * yt, xx * yt - xy * xt], dim=1) / determinant
    return shift.clamp(-1, 1)
