"""Inverts, composes and applies small linear maps of the plane.

Products are written out element by element: autocast would round a matrix product to bfloat16, which moved sampling
points by up to 1.9 pixels at 256.
"""

from __future__ import annotations

import torch
from torch import Tensor


def invert_2x2(matrix: Tensor) -> Tensor:
    """The inverse in closed form; much faster than a batched solver on small batches.

    Args:
        matrix: (B, K, 2, 2) or any leading axes, not singular; a singular one gives inf or NaN as division does.

    Returns:
        The same shape.

    >>> invert_2x2(torch.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, -0.0], [-0.0, 0.25]]
    """
    a, b = matrix[..., 0, 0], matrix[..., 0, 1]
    c, d = matrix[..., 1, 0], matrix[..., 1, 1]
    adjugate = torch.stack([torch.stack([d, -b], dim=-1), torch.stack([-c, a], dim=-1)], dim=-2)
    return adjugate / (a * d - b * c)[..., None, None]


def compose_2x2(outer: Tensor, inner: Tensor) -> Tensor:
    """The matrix product: the map that applies ``inner`` first.

    Args:
        outer: (..., 2, 2).
        inner: (..., 2, 2), leading axes that broadcast with those of ``outer``.

    Returns:
        (..., 2, 2).

    >>> compose_2x2(torch.tensor([[0.0, -1.0], [1.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 1.0]])).tolist()
    [[0.0, -1.0], [2.0, 0.0]]
    """
    return outer[..., :1] * inner[..., :1, :] + outer[..., 1:] * inner[..., 1:, :]


def map_points(points: Tensor, matrix: Tensor) -> Tensor:
    """Each point multiplied by its batch's matrix.

    Args:
        points: (..., N, 2) points (x, y).
        matrix: (..., 2, 2), leading axes that broadcast with those of ``points``.

    Returns:
        (..., N, 2).

    >>> map_points(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    columns = matrix.unsqueeze(-3)  # (..., 1, 2, 2)
    return points[..., :1] * columns[..., 0] + points[..., 1:] * columns[..., 1]


def convex_hull_area(points: Tensor) -> float:
    """Area of the convex hull, 0 for fewer than three points or collinear ones.

    Args:
        points: (K, 2) points (x, y).

    Returns:
        The area in squared units of the points.
    """
    ordered = sorted({(float(x), float(y)) for x, y in points.tolist()})
    if len(ordered) < 3:
        return 0.0

    def chain(sequence: list[tuple[float, float]]) -> list[tuple[float, float]]:
        corners: list[tuple[float, float]] = []
        for x, y in sequence:
            while len(corners) > 1:
                (x0, y0), (x1, y1) = corners[-2:]
                if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                    break
                corners.pop()
            corners.append((x, y))
        return corners[:-1]

    hull = chain(ordered) + chain(ordered[::-1])
    doubled = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(hull, hull[1:] + hull[:1], strict=True))
    return abs(doubled) / 2


def similarity_residual(points: Tensor, target: Tensor) -> Tensor:
    """How far point sets are from a target after the best shift, rotation and scale (Procrustes distance).

    Args:
        points: (B, K, 2).
        target: (K, 2).

    Returns:
        (B,) in [0, 1]: the fraction of the target's variance that no similarity of the points explains; 1 where all
        points of either set coincide.
    """
    centred = torch.view_as_complex((points - points.mean(dim=1, keepdim=True)).double().contiguous())  # (B, K)
    wanted = torch.view_as_complex((target - target.mean(dim=0)).double().contiguous())  # (K,)
    extent = centred.abs().square().sum(dim=1) * wanted.abs().square().sum()
    explained = (centred.conj() * wanted).sum(dim=1).abs().square()
    return torch.where(extent > 1e-12, 1 - explained / extent.clamp_min(1e-12), torch.ones_like(extent)).float()
