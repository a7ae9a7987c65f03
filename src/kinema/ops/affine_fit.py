"""Fits affine maps to pairs of points.

Uses the normalised direct linear transform of Hartley ("In Defense of the Eight-Point Algorithm", PAMI 1997), a total
least squares with which the Deformable GANs (Siarohin et al., CVPR 2018) were trained. It differs much from ordinary
least squares if no affine map fits four or more points exactly.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# A fraction of the largest singular value. If the second smallest is below it, the fit is not unique: points on a line
# give 1e-16, four points that deviate by one pixel from a line of a thousand give 1e-3.
RANK_TOLERANCE = 1e-9
# The least scale in the null vector and the least determinant: mapping a limb of a thousand pixels to one pixel has
# 1e-3.
SCALE_TOLERANCE = 1e-8
DETERMINANT_TOLERANCE = 1e-9


@torch.no_grad()
def fit_affine(points: Tensor, goals: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The affine map that maps ``points`` to ``goals``.

    Computed in float64 whatever the dtype of the inputs, because a rounding error may change which pixel is nearest.

    Args:
        points: (..., N, 2) points (x, y).
        goals: (..., N, 2), one for each point.
        weights: (..., N) bool, which of the points are used.

    Returns:
        (..., 2, 3) matrix for columns (x, y, 1), in the dtype of ``points``, and (...) bool: whether an invertible map
        was found. If not (fewer than three points, or all on a line), the map is the identity.

    >>> corners = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    >>> matrix, found = fit_affine(corners, 3 * corners + 1, torch.ones(3, dtype=torch.bool))
    >>> (0.0 + matrix.round(decimals=3)).tolist(), bool(found)
    ([[3.0, 0.0, 1.0], [0.0, 3.0, 1.0]], True)
    """
    centred, centre, scale, spreads = _normalised(points.double(), weights)
    goal_centred, goal_centre, goal_scale, goal_spreads = _normalised(goals.double(), weights)
    found = spreads & goal_spreads
    _, singular, vectors = torch.linalg.svd(_equations(centred, goal_centred, weights), full_matrices=False)
    null = vectors[..., -1, :]  # (..., 7)
    found &= singular[..., -2] > RANK_TOLERANCE * singular[..., 0]
    found &= null[..., 6].abs() > SCALE_TOLERANCE
    unit = -null[..., :6] / torch.where(found, null[..., 6], 1)[..., None]
    linear, shift = unit.unflatten(-1, (2, 3)).split([2, 1], dim=-1)  # (..., 2, 2) and (..., 2, 1)
    linear = linear * (scale / goal_scale)[..., None, None]
    shift = goal_centre + shift[..., 0] / goal_scale[..., None] - (linear * centre[..., None, :]).sum(dim=-1)
    determinant = linear[..., 0, 0] * linear[..., 1, 1] - linear[..., 0, 1] * linear[..., 1, 0]
    found &= determinant.abs() > DETERMINANT_TOLERANCE
    matrix = torch.cat([linear, shift[..., None]], dim=-1)
    identity = torch.eye(2, 3, dtype=matrix.dtype, device=matrix.device)
    return torch.where(found[..., None, None], matrix, identity).to(points.dtype), found


def _normalised(points: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points shifted and scaled to mean 0 and root mean square sqrt(2); centre, scale, and whether points differ."""
    points = torch.where(weights[..., None], points, 0)
    count = weights.sum(dim=-1).clamp_min(1)
    centre = points.sum(dim=-2) / count[..., None]
    centred = torch.where(weights[..., None], points - centre[..., None, :], 0)
    spread = (centred.square().sum(dim=(-2, -1)) / count).sqrt()
    spreads = spread > 0
    scale = math.sqrt(2) / torch.where(spreads, spread, 1)
    return centred * scale[..., None, None], centre, scale, spreads


def _equations(points: Tensor, goals: Tensor, weights: Tensor) -> Tensor:
    """(..., max(2 N, 7), 7), a row for each coordinate of each goal; the map and its scale are the null vector."""
    homogeneous = torch.cat([points, weights[..., None].to(points.dtype)], dim=-1)  # (..., N, 3)
    nothing = torch.zeros_like(homogeneous)
    first = torch.cat([homogeneous, nothing, goals[..., :1]], dim=-1)
    second = torch.cat([nothing, homogeneous, goals[..., 1:]], dim=-1)
    rows = torch.cat([first, second], dim=-2)
    # Three points give six rows; with a seventh row of zeros the decomposition also returns the null vector.
    return F.pad(rows, (0, 0, 0, max(0, rows.shape[-1] - rows.shape[-2])))
