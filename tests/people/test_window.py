"""Windows about people: as the training pictures have them, of one shape, cut beyond the picture's edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kinema.core.types import Joints
from kinema.people.window import JOINTS_HEIGHT, PersonWindow, window_about, window_height

from .poses import standing

LEGS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("ankle", "knee"))


def test_a_standing_person_fills_its_share_and_is_in_the_middle():
    joints = standing()
    height = window_height(joints, 0.5)
    assert height == pytest.approx((56 - 7) / JOINTS_HEIGHT)
    window = window_about(joints, height, 0.5)
    inside = window.inside(joints).value[0]
    assert window.size == (round(height), round(height / 2))
    middle = (inside.amin(dim=0) + inside.amax(dim=0)) / 2
    assert torch.allclose(middle, torch.tensor([window.size[1] / 2, window.size[0] / 2]), atol=1)


def test_wide_poses_need_wider_windows():
    joints = standing()
    value = joints.value.clone()
    value[0, 4, 0] = -60
    assert window_height(Joints(value, joints.present), 0.5) > 2 * window_height(joints, 0.5)


def test_the_largest_pose_decides_for_all():
    small, large = standing(), standing()
    both = Joints(torch.cat([small.value, 2 * large.value]), torch.cat([small.present, large.present]))
    assert window_height(both, 0.5) == pytest.approx(window_height(Joints(2 * large.value, large.present), 0.5))


def test_half_a_body_has_a_window_for_the_whole():
    half = standing(*LEGS)
    height = window_height(half, 0.5)
    assert height == pytest.approx(window_height(standing(), 0.5), rel=0.3)
    window = window_about(half, height, 0.5)
    head = window.inside(half).value[0][half.present[0]][:, 1].min()
    assert 0.05 * height < head < 0.2 * height


def test_outside_the_picture_its_edge_is_repeated():
    picture = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(4, 3, 3)
    cut = PersonWindow((-2, 1, 6, 5)).cut(picture)
    assert cut.shape == (5, 6, 3)
    assert (cut[0, :3] == picture[1, 0]).all() and (cut[-1, -1] == picture[3, 2]).all()
    assert np.array_equal(PersonWindow((0, 0, 3, 4)).cut(picture), picture)
