"""Keypoints that follow a transform cost nothing, others what they miss."""

import math

import pytest
import torch

from kinema.core.types import Keypoints
from kinema.losses.equivariance import equivariance_jacobian, equivariance_value
from kinema.ops.thin_plate import SmoothTransform, random_transform


def draw() -> SmoothTransform:
    generator = torch.Generator().manual_seed(2)
    return random_transform(2, sigma_affine=0.2, sigma_thin_plate=0.05, grid_points=5, generator=generator)


def followed(transform: SmoothTransform) -> tuple[Keypoints, Keypoints]:
    """Keypoints of a frame, and those that a perfect detector finds in the transformed frame."""
    seen = Keypoints(torch.rand(2, 4, 2) - 0.5, torch.eye(2) + 0.1 * torch.randn(2, 4, 2, 2))
    moved = transform.jacobian(seen.value) @ seen.jacobian
    return Keypoints(transform.warp_points(seen.value), moved), seen


def test_a_perfect_detector_costs_nothing():
    transform = draw()
    kp, seen = followed(transform)
    assert equivariance_value(kp, seen, transform).item() == 0
    assert equivariance_jacobian(kp, seen, transform).item() == pytest.approx(0, abs=1e-5)


def test_what_is_missed_is_measured():
    transform = draw()
    kp, seen = followed(transform)
    off = Keypoints(kp.value + torch.tensor([0.1, -0.3]), 2 * kp.jacobian)
    assert equivariance_value(off, seen, transform).item() == pytest.approx(0.2, abs=1e-5)
    # (2 J)^-1 J - 1 = -1/2 on the diagonal, nothing beside it.
    assert equivariance_jacobian(off, seen, transform).item() == pytest.approx(0.25, abs=1e-4)


def test_points_that_stay_cost_the_shift():
    transform = SmoothTransform(torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]]))
    kp = Keypoints(torch.zeros(1, 3, 2))
    assert equivariance_value(kp, kp, transform).item() == 0.25


def test_a_quarter_turn_that_jacobians_ignore():
    cos, sin = math.cos(math.pi / 2), math.sin(math.pi / 2)
    transform = SmoothTransform(torch.tensor([[[cos, -sin, 0.0], [sin, cos, 0.0]]]))
    kp = Keypoints(torch.zeros(1, 3, 2), torch.eye(2).expand(1, 3, 2, 2))
    assert equivariance_jacobian(kp, kp, transform).item() == pytest.approx(1, abs=1e-6)


def test_both_detections_learn():
    transform = draw()
    kp, seen = followed(transform)
    leaves = [
        tensor.detach().requires_grad_() for tensor in (kp.value + 0.1, 2 * kp.jacobian, seen.value, seen.jacobian)
    ]
    kp, seen = Keypoints(leaves[0], leaves[1]), Keypoints(leaves[2], leaves[3])
    (equivariance_value(kp, seen, transform) + equivariance_jacobian(kp, seen, transform)).backward()
    assert all(leaf.grad is not None and leaf.grad.abs().max() > 0 for leaf in leaves)
