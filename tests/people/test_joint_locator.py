"""Peaks of maps, shares of joints found, and what the trained network finds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.metrics.joints import joints_found
from kinema.people.joint_locator import JointLocator, JointLocatorConfig, load_joint_locator, map_peaks
from kinema.people.pose_maps import joint_heatmap

from .poses import SIZE, standing

SMALL = JointLocatorConfig(stem_channels=4, block_expansion=4, max_features=8, num_blocks=2)


def test_peaks_lie_between_pixels():
    joints = Joints(torch.tensor([[[7.0, 9.0]] * 18]) + torch.linspace(0, 0.9, 18)[None, :, None], standing().present)
    maps = joint_heatmap(joints, SIZE, sigma=1.0)
    torch.testing.assert_close(map_peaks(maps.clamp_min(1e-9).log()), joints.value, atol=0.1, rtol=0)


def test_far_mass_does_not_pull_a_peak():
    logits = torch.full((1, 1, 20, 20), -20.0)
    logits[0, 0, 4, 5], logits[0, 0, 15, 15] = 3, 2.9
    torch.testing.assert_close(map_peaks(logits), torch.tensor([[[5.0, 4.0]]]), atol=1e-3, rtol=0)


def test_joints_are_found_within_a_share_of_the_torso():
    wanted = standing("nose")  # hips 18 below the shoulders, 2 pixels nearer the middle
    length = (18**2 + 2**2) ** 0.5
    for share, expected in ((0.09, 1.0), (0.11, 0.0)):
        moved = Joints(wanted.value + torch.tensor([share * length, 0]), torch.ones_like(wanted.present))
        assert joints_found(moved, wanted).item() == expected
    lost = Joints(wanted.value, standing("neck", "nose").present)
    assert joints_found(lost, wanted).item() == pytest.approx(16 / 17)
    assert joints_found(wanted, Joints(wanted.value, torch.zeros_like(wanted.present))).isnan().all()


@pytest.mark.parametrize("size", [(128, 64), (64, 32), (256, 176)])
def test_points_are_in_pixels_of_the_frames(size: tuple[int, int]):
    torch.manual_seed(0)
    locator = JointLocator(SMALL).eval()
    points = locator.locate(torch.rand(2, 3, *size))
    assert points.shape == (2, 18, 2)
    assert (points >= -0.5).all() and (points <= torch.tensor([size[1] - 0.5, size[0] - 0.5])).all()


def test_every_weight_learns():
    locator = JointLocator(SMALL)
    locator(torch.rand(2, 3, 32, 16)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in locator.parameters())


def test_other_files_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no weights of the joint locator"):
        load_joint_locator(tmp_path / "none.safetensors")
    locator = load_joint_locator()
    assert sum(parameter.numel() for parameter in locator.parameters()) < 600_000
