"""Known answers: the face's coordinates do not see place, size and tilt; a mirror applied twice does nothing."""

from __future__ import annotations

import math

import pytest
import torch

from kinema.faces.landmarks import (
    GROUPS,
    LINES,
    MIRRORED,
    NUM_LANDMARKS,
    OUTER_EYE_CORNERS,
    face_frame,
    from_face,
    mirror_landmarks,
    to_face,
)


def some_faces(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, NUM_LANDMARKS, 2) * 60 + 20


def test_the_outer_corners_are_one_apart_and_level():
    faces = some_faces(3, 4)
    own = to_face(faces, face_frame(faces))
    left, right = (own[..., corner, :] for corner in OUTER_EYE_CORNERS)
    torch.testing.assert_close(right - left, torch.tensor([1.0, 0.0]).expand(3, 4, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(from_face(own, face_frame(faces)), faces, atol=1e-3, rtol=0)


@pytest.mark.parametrize("degrees", [0, 30, 170])
def test_a_moved_face_has_the_same_coordinates(degrees: float):
    faces = some_faces(2)
    cos, sin = (3 * f(math.radians(degrees)) for f in (math.cos, math.sin))
    moved = faces @ torch.tensor([[cos, sin], [-sin, cos]]) + torch.tensor([5.0, -7.0])
    torch.testing.assert_close(
        to_face(moved, face_frame(moved)), to_face(faces, face_frame(faces)), atol=1e-4, rtol=1e-4
    )


def test_tables_name_every_landmark():
    assert sorted(MIRRORED) == sorted(index for group in GROUPS for index in group) == list(range(NUM_LANDMARKS))
    assert {index for line in LINES for index in line} == set(range(NUM_LANDMARKS))
    assert [MIRRORED[index] for index in MIRRORED] == list(range(NUM_LANDMARKS))
    # A line's mirror is a line: the two eyes change places, the mouth stays.
    lines = {frozenset(line) for line in LINES}
    assert {frozenset(MIRRORED[index] for index in line) for line in lines} == lines


def test_a_mirror_turns_left_into_right():
    faces = some_faces(2)
    mirrored = mirror_landmarks(faces, axis=47.5)
    torch.testing.assert_close(mirror_landmarks(mirrored, axis=47.5), faces)
    torch.testing.assert_close(mirrored[:, 36, 0], 95 - faces[:, 45, 0])
    torch.testing.assert_close(mirrored[:, 36, 1], faces[:, 45, 1])
