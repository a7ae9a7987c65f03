"""Keypoints apart and heatmaps narrow, with known values."""

import pytest
import torch

from kinema.core.types import Keypoints
from kinema.losses.keypoint_spread import concentration, separation
from kinema.ops.heatmap import gaussian_heatmap, soft_argmax


def of(maps: torch.Tensor) -> Keypoints:
    maps = maps / maps.sum(dim=(2, 3), keepdim=True)
    return Keypoints(soft_argmax(maps), None, maps)


def test_points_apart_cost_nothing_and_points_in_one_place_the_most():
    apart = Keypoints(torch.tensor([[[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]]))
    together = Keypoints(torch.full((1, 3, 2), 0.2))
    assert separation(apart, distance=0.15).item() == pytest.approx(0, abs=1e-6)
    near, nearer = (
        separation(Keypoints(torch.tensor([[[0.0, 0.0], [gap, 0.0]]])), distance=0.15).item() for gap in (0.2, 0.1)
    )
    assert 0 < near < nearer < separation(together, distance=0.15).item()


def test_repulsion_pushes_points_away_from_each_other():
    value = torch.tensor([[[0.0, 0.0], [0.1, 0.0]]], requires_grad=True)
    separation(Keypoints(value), distance=0.15).backward()
    assert value.grad is not None
    step = -value.grad[0]
    assert step[0, 0] < 0 < step[1, 0] and step[:, 1].abs().max() == 0


def test_concentration_is_the_variance_of_a_heatmap():
    points = torch.zeros(1, 2, 2)
    narrow = of(gaussian_heatmap(points, (65, 65), variance=0.01))
    wide = of(gaussian_heatmap(points, (65, 65), variance=0.04))
    assert concentration(wide).item() == pytest.approx(4 * concentration(narrow).item(), rel=1e-2)
    single = torch.zeros(1, 1, 9, 9)
    single[..., 2, 7] = 1
    assert concentration(of(single)).item() == pytest.approx(0, abs=1e-6)
