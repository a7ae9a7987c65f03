"""Inverses, hulls and similarities, over many random cases."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from kinema.ops.affine import compose_2x2, convex_hull_area, invert_2x2, map_points, similarity_residual

# No subnormals: `kinema learn`, which other tests call, makes the process flush them to zero.
coordinate = st.floats(min_value=-1, max_value=1, width=32, allow_subnormal=False)
# Far enough from zero that a scale or a matrix made of it can be undone in float32.
sizeable = st.floats(min_value=0.25, max_value=2, width=32)
angles = st.floats(min_value=-3, max_value=3, width=32, allow_subnormal=False)


def point_sets(least: int, most: int = 12):
    return st.lists(st.tuples(coordinate, coordinate), min_size=least, max_size=most).map(torch.tensor)


def similarity(points: Tensor, scale: float, angle: float, shift: tuple[float, float]) -> Tensor:
    rotation = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return scale * points @ rotation.mT + torch.tensor(shift)


def test_inverse_is_that_of_the_solver():
    matrix = torch.randn(4, 7, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(invert_2x2(matrix), torch.linalg.inv(matrix))
    assert torch.autograd.gradcheck(invert_2x2, (matrix[:1, :2] + 3 * torch.eye(2)).requires_grad_())


def test_a_singular_matrix_is_not_hidden():
    assert not invert_2x2(torch.ones(1, 2, 2)).isfinite().any()


def test_products_are_those_of_matrices_and_autocast_does_not_round_them():
    outer, inner, points = torch.randn(3, 1, 2, 2), torch.randn(3, 5, 2, 2), torch.randn(3, 1, 7, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        composed, mapped = compose_2x2(outer, inner), map_points(points, inner)
    torch.testing.assert_close(composed, outer @ inner)
    torch.testing.assert_close(mapped, points @ inner.mT)


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([], 0.0),
        ([(1, 1)], 0.0),
        ([(0, 0), (1, 1)], 0.0),
        ([(0, 0), (1, 1), (2, 2), (-1, -1)], 0.0),
        ([(0.5, 0.5)] * 5, 0.0),
        ([(0, 0), (2, 0), (0, 3)], 3.0),
        ([(-1, -1), (1, 1), (1, -1), (-1, 1), (0, 0), (0.5, -1)], 4.0),
        ([(math.cos(n * math.pi / 3), math.sin(n * math.pi / 3)) for n in range(6)], 1.5 * math.sqrt(3)),
    ],
)
def test_known_hulls(points, area):
    assert convex_hull_area(torch.tensor(points).reshape(-1, 2)) == pytest.approx(area, abs=1e-6)


@given(point_sets(3), sizeable, coordinate, sizeable)
def test_a_linear_map_scales_a_hull_by_its_determinant(points, a, b, d):
    area = convex_hull_area(points)
    mapped = convex_hull_area(points @ torch.tensor([[a, b], [0.0, d]]).mT + torch.tensor([0.5, -2.0]))
    assert mapped == pytest.approx(area * a * d, rel=1e-4, abs=1e-5)


@given(point_sets(3), st.randoms(use_true_random=False))
def test_what_lies_inside_and_the_order_do_not_matter(points, shuffle):
    area = convex_hull_area(points)
    order = list(range(len(points)))
    shuffle.shuffle(order)
    with_more = torch.cat([points[order], points.mean(dim=0, keepdim=True), (points[:1] + points[1:2]) / 2])
    assert convex_hull_area(with_more) == pytest.approx(area, rel=1e-4, abs=1e-6)


@given(point_sets(3), sizeable, angles, coordinate, coordinate)
def test_no_similarity_leaves_a_residual(points, scale, angle, x, y):
    assume((points - points.mean(dim=0)).abs().max() > 0.1)
    moved = similarity(points, scale, angle, (x, y))
    assert similarity_residual(moved[None], points).item() == pytest.approx(0, abs=1e-5)


@given(point_sets(4, 4), point_sets(4, 4), sizeable, angles, coordinate)
def test_the_residual_is_a_share_that_no_similarity_changes(points, target, scale, angle, x):
    for each in (points, target):
        assume((each - each.mean(dim=0)).abs().max() > 0.1)
    residual = similarity_residual(points[None], target).item()
    moved = similarity_residual(similarity(points, scale, angle, (x, 0.5))[None], target).item()
    assert -1e-6 <= residual <= 1 + 1e-6
    assert moved == pytest.approx(residual, abs=1e-4)


def test_a_mirror_image_is_no_similarity_and_points_without_extent_match_nothing():
    target = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 0.4], [0.7, 0.8]])
    mirrored, dot = target * torch.tensor([-1.0, 1.0]), torch.full((4, 2), 0.3)
    same, mirror, none = similarity_residual(torch.stack([target, mirrored, dot]), target).tolist()
    assert same < 1e-6 and mirror > 0.05 and none == 1
    assert similarity_residual(target[None], dot).item() == 1
