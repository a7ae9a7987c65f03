"""Finds the pixels that polygons cover."""

from __future__ import annotations

import torch
from torch import Tensor

# A pixel this close to a corner counts as being on it.
CORNER_TOLERANCE = 1e-12


def inside_polygon(corners: Tensor, size: tuple[int, int]) -> Tensor:
    """The pixels whose centres lie in a polygon or on its edge.

    By the even-odd rule, so a polygon may cross itself. A pixel is inside if a ray to larger y, or a ray to smaller y,
    crosses the edges an odd number of times; the two differ only on an edge (O'Rourke, "Computational Geometry in C",
    Sec. 7.4).

    Args:
        corners: (..., N, 2) points (x, y) in pixels, in order around the polygon; float64 is most exact on edges.
            A polygon with corners that are not finite covers nothing.
        size: (height, width).

    Returns:
        (..., height, width) bool.

    >>> inside_polygon(torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), (2, 3)).int().tolist()
    [[1, 1, 0], [1, 1, 0]]
    """
    height, width = size
    columns = torch.arange(width, dtype=corners.dtype, device=corners.device)
    rows = torch.arange(height, dtype=corners.dtype, device=corners.device)[:, None]
    upwards = torch.zeros((*corners.shape[:-2], height, width), dtype=torch.bool, device=corners.device)
    downwards, on_corner = upwards.clone(), upwards.clone()
    for start, end in zip(corners.unbind(dim=-2), corners.roll(-1, dims=-2).unbind(dim=-2), strict=True):
        x0, x1 = (point[..., 0, None, None] - columns for point in (start, end))  # (..., 1, W)
        y0, y1 = (point[..., 1, None, None] - rows for point in (start, end))  # (..., H, 1)
        run = x1 - x0
        crossing = (y0 * x1 - y1 * x0) / torch.where(run == 0, 1, run)  # (..., H, W), y where the edge meets the column
        downwards ^= ((x0 > 0) != (x1 > 0)) & (crossing > 0)
        upwards ^= ((x0 < 0) != (x1 < 0)) & (crossing < 0)
        on_corner |= (x0.abs() < CORNER_TOLERANCE) & (y0.abs() < CORNER_TOLERANCE)
    finite = corners.isfinite().all(dim=-1).all(dim=-1)
    return (upwards | downwards | on_corner) & finite[..., None, None]
