"""Triangles land on the pixels they cover, the near ones in front, without cracks; affine maps lead back."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.synthesis.triangle_map import backward_affines, draw_triangles, facing

TRIANGLE = np.array([[[1.0, 1.0], [7.0, 1.0], [1.0, 5.0]]])


def shown(count: int) -> np.ndarray:
    return np.ones(count, dtype=bool)


def fan(corners: int, centre: tuple[float, float], reach: float, seed: int) -> np.ndarray:
    """(T, 3, 2) triangles about a centre, with outer corners on a square that is wider than the map."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    outer = np.asarray(centre) + reach * around / np.abs(around).max(axis=1, keepdims=True)
    middle = np.broadcast_to(np.asarray(centre), outer.shape)
    return np.stack([middle, outer, np.roll(outer, -1, axis=0)], axis=1)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def barycentric_least(triangles: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(T, N) signed distance of points from the nearest edge of each triangle, in pixels; inside is positive."""
    points = np.stack([x, y], axis=-1)
    least = np.full((len(triangles), len(points)), np.inf)
    area = cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    for start in range(3):
        edge = triangles[:, (start + 1) % 3] - triangles[:, start]
        away = points[None] - triangles[:, start, None]
        height = cross(edge[:, None], away) * np.sign(area)[:, None] / np.linalg.norm(edge, axis=1)[:, None]
        least = np.minimum(least, height)
    return least


def test_a_known_triangle_covers_the_pixels_whose_centres_it_holds():
    drawn = draw_triangles(TRIANGLE, np.zeros(1), shown(1), (6, 9))
    expected = np.full((6, 9), -1)
    expected[1, 1:8] = expected[2, 1:6] = expected[3, 1:5] = expected[4, 1:3] = expected[5, 1:2] = 0
    np.testing.assert_array_equal(drawn, expected)
    assert drawn.dtype == np.int32


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_which_corner_comes_first_does_not_matter(order: list[int]):
    drawn = draw_triangles(TRIANGLE[:, order], np.zeros(1), shown(1), (6, 9))
    np.testing.assert_array_equal(drawn, draw_triangles(TRIANGLE, np.zeros(1), shown(1), (6, 9)))


def test_near_triangles_hide_far_ones_in_whatever_order_they_are_given():
    pair = np.concatenate([TRIANGLE, TRIANGLE + [1.0, 0.0]])
    for depth, nearer in (([5.0, 1.0], 1), ([1.0, 5.0], 0)):
        drawn = draw_triangles(pair, np.array(depth), shown(2), (6, 10))
        assert drawn[1, 4] == nearer and drawn[1, 1] == 0 and drawn[1, 8] == 1
    equal = draw_triangles(pair, np.zeros(2), shown(2), (6, 10))
    assert equal[1, 4] == 1, "of equal depth the last one is in front"


def test_what_is_left_out_is_not_drawn():
    pair = np.concatenate([TRIANGLE, TRIANGLE + [1.0, 0.0]])
    drawn = draw_triangles(pair, np.array([5.0, 1.0]), np.array([True, False]), (6, 10))
    np.testing.assert_array_equal(np.unique(drawn), [-1, 0])
    assert (draw_triangles(pair, np.zeros(2), np.zeros(2, dtype=bool), (6, 10)) == -1).all()
    assert (draw_triangles(np.zeros((0, 3, 2)), np.zeros(0), shown(0), (2, 3)) == -1).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_fan_leaves_no_crack_and_each_pixel_shows_a_triangle_that_holds_it(seed: int):
    triangles = fan(400, (15.3 + seed, 17.8 - seed), 40, seed)
    drawn = draw_triangles(triangles, np.arange(400.0), shown(400), (33, 37))
    assert drawn.min() >= 0
    y, x = np.mgrid[:33, :37]
    inside = barycentric_least(triangles, x.ravel().astype(float), y.ravel().astype(float))
    assert inside[drawn.ravel(), np.arange(drawn.size)].min() > -0.1
    # A pixel well within one triangle is that one's whatever the depth.
    sole = (inside > 0.1).sum(axis=0) == 1
    assert sole.sum() > 300
    np.testing.assert_array_equal(drawn.ravel()[sole], inside.argmax(axis=0)[sole])


def test_what_reaches_outside_is_cut_off():
    large = np.array([[[-100.0, -100.0], [300.0, -100.0], [-100.0, 300.0]]])
    assert (draw_triangles(large, np.zeros(1), shown(1), (7, 5)) == 0).all()
    for x, y in ((-50.0, 0.0), (50.0, 0.0), (0.0, -50.0), (0.0, 50.0)):
        assert (draw_triangles(TRIANGLE + [x, y], np.zeros(1), shown(1), (7, 5)) == -1).all()


def test_a_triangle_without_area_is_a_line():
    line = np.array([[[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]]])
    drawn = draw_triangles(line, np.zeros(1), shown(1), (5, 8))
    np.testing.assert_array_equal(np.argwhere(drawn == 0), [[2, x] for x in range(1, 6)])


def test_affines_of_no_motion_are_zero_and_of_a_shift_its_opposite():
    rng = np.random.default_rng(0)
    source = rng.uniform(0, 50, (30, 3, 2))
    np.testing.assert_allclose(backward_affines(source, source), 0, atol=1e-4)
    rows = backward_affines(source, source + [3.0, -2.0])
    x, y = 20.0, 10.0
    np.testing.assert_allclose(rows[:, 0] * x + rows[:, 1] * y + rows[:, 2], -3, atol=1e-3)
    np.testing.assert_allclose(rows[:, 3] * x + rows[:, 4] * y + rows[:, 5], 2, atol=1e-3)
    assert rows.dtype == np.float32


def test_affines_of_a_scale_lead_back():
    source = np.array([[[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]])
    rows = backward_affines(source, 2 * source)
    np.testing.assert_allclose(rows, [[-0.5, 0, 0, 0, -0.5, 0]], atol=1e-6)


def test_affines_lead_every_corner_back_to_where_it_was():
    rng = np.random.default_rng(1)
    source, moved = rng.uniform(0, 50, (2, 40, 3, 2))
    a, b, c, d, e, f = np.moveaxis(backward_affines(source, moved).astype(np.float64), 1, 0)[..., None]
    x, y = moved[..., 0], moved[..., 1]
    slim = np.abs(cross(moved[:, 1] - moved[:, 0], moved[:, 2] - moved[:, 0])) < 20
    back = np.stack([x + a * x + b * y + c, y + d * x + e * y + f], axis=-1)
    np.testing.assert_allclose(back[~slim], source[~slim], atol=0.01)


def test_affines_of_triangles_without_area_are_zero():
    flat = np.array([[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]])
    assert (backward_affines(TRIANGLE, flat) == 0).all()


def test_triangles_that_turn_their_back_are_told():
    behind = TRIANGLE * [-1.0, 1.0]
    flat = np.array([[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]])
    edge_on = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.5]]])  # twice its area is below 2
    source = np.concatenate([TRIANGLE, TRIANGLE, TRIANGLE, edge_on])
    moved = np.concatenate([TRIANGLE * 2, behind, flat, edge_on * [-1.0, 1.0]])
    np.testing.assert_array_equal(facing(source, moved), [True, False, False, True])
