"""Affine maps from points: exact ones come back, degenerate ones are said to be so."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kinema.ops.affine_fit import fit_affine

MATRIX = torch.tensor([[0.8, -0.3, 12.0], [0.4, 1.1, -7.0]], dtype=torch.float64)


def mapped(points: Tensor) -> Tensor:
    return points @ MATRIX[:, :2].mT + MATRIX[:, 2]


@pytest.mark.parametrize("count", [3, 4, 7])
def test_an_affine_map_comes_back(count: int):
    points = 100 * torch.rand(5, count, 2, dtype=torch.float64)
    matrix, found = fit_affine(points, mapped(points), torch.ones(5, count, dtype=torch.bool))
    assert found.all()
    torch.testing.assert_close(matrix, MATRIX.expand(5, 2, 3), atol=1e-9, rtol=0)


def test_points_of_no_weight_do_not_count():
    points = 100 * torch.rand(1, 6, 2, dtype=torch.float64)
    goals, weights = mapped(points), torch.tensor([[True, True, False, True, True, False]])
    goals[:, 2], points[:, 5] = float("nan"), float("inf")
    matrix, found = fit_affine(points, goals, weights)
    assert found.all()
    torch.testing.assert_close(matrix[0], MATRIX, atol=1e-9, rtol=0)


def test_it_is_total_least_squares():
    """Known answer by hand: Hartley's homogeneous estimate of noisy corners, which ordinary least squares misses."""
    points = torch.tensor([[0.0, 0], [10, 0], [10, 10], [0, 10]], dtype=torch.float64)
    goals = points + torch.tensor([[1.0, 0], [0, 0], [0, 0], [0, 0]], dtype=torch.float64)
    matrix, _ = fit_affine(points[None], goals[None], torch.ones(1, 4, dtype=torch.bool))
    ordinary = torch.linalg.lstsq(torch.cat([points, torch.ones(4, 1, dtype=torch.float64)], dim=1), goals).solution.T
    assert 1e-4 < (matrix[0] - ordinary).abs().max() < 0.1


@pytest.mark.parametrize(
    "points",
    [
        torch.zeros(4, 2),
        torch.tensor([[0.0, 0], [1, 1], [2, 2], [5, 5]]),
        torch.tensor([[3.0, 1], [3, 1], [8, 2], [8, 2]]),
    ],
)
def test_points_on_a_line_have_no_map(points: Tensor):
    spread = torch.tensor([[0.0, 0], [9, 0], [0, 9], [9, 9]])
    weights = torch.ones(4, dtype=torch.bool)
    for pair in ((points, spread), (spread, points)):
        matrix, found = fit_affine(*pair, weights)
        assert not found and torch.equal(matrix, torch.eye(2, 3))


def test_two_points_are_too_few():
    assert not fit_affine(torch.rand(1, 2, 2), torch.rand(1, 2, 2), torch.ones(1, 2, dtype=torch.bool))[1]
    assert not fit_affine(torch.rand(1, 4, 2), torch.rand(1, 4, 2), torch.zeros(1, 4, dtype=torch.bool))[1]
