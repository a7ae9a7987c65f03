"""What a network sees of a pose."""

from __future__ import annotations

import math

import torch

from kinema.people.pose_maps import joint_heatmap, stickman
from kinema.people.skeleton import INDEX

from .poses import SIZE, standing


def test_a_heat_map_peaks_at_its_joint():
    maps = joint_heatmap(standing("left_ear"), SIZE, sigma=4)
    assert maps.shape == (1, 18, *SIZE) and maps.dtype == torch.float32
    x, y = 13, 32
    hip = maps[0, INDEX["right_hip"]]
    assert hip[y, x] == 1
    torch.testing.assert_close(hip[y + 3, x - 2].item(), math.exp(-(9 + 4) / 32))
    assert not maps[0, INDEX["left_ear"]].any()


def test_a_stick_man_has_right_left_and_torso():
    drawn = stickman(standing(), (128, 128))
    assert drawn.shape == (1, 3, 128, 128) and set(drawn.unique().tolist()) == {0, 0.5, 1}
    right, left, torso = drawn[0]
    assert right[44, 13] == 1 and left[44, 13] == 0
    assert left[44, 19] == 1 and torso[20, 16] == 1
    assert right[11, 16] == left[11, 16] == 0.5  # neck to nose
    nothing = stickman(standing("right_knee", "nose", "left_hip"), (128, 128))[0]
    assert not nothing[0, 40:].any() and not nothing[2].any()
