"""Deformable skips: the same pose moves nothing, a shift shifts, a learned map starts as the identity."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kinema.core.types import LimbMotion
from kinema.motion.limbs import DeformableSkipConfig, DeformableSkips

from ..people.poses import SIZE, random_joints, standing


def skips(kind: str, **values: object) -> DeformableSkips:
    return DeformableSkips(DeformableSkipConfig(kind=kind, **values))


def features(rows: int = 1, shrink: int = 1) -> Tensor:
    return torch.rand(rows, 3, SIZE[0] // shrink, SIZE[1] // shrink)


@pytest.mark.parametrize("kind", ["none", "full", "mask", "stn"])
@pytest.mark.parametrize("shrink", [1, 2])
def test_the_same_pose_changes_nothing(kind: str, shrink: int):
    net, given = skips(kind), features(shrink=shrink)
    moved = net.warp(given, net(standing(), standing(), SIZE), SIZE)
    torch.testing.assert_close(moved, given, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["full", "mask"])
@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
def test_a_shift_shifts(kind: str, sampling: str):
    net, given = skips(kind, sampling=sampling), features()
    moved = net.warp(given, net(standing(), standing(shift=(2, 4)), SIZE), SIZE)
    torch.testing.assert_close(moved[..., 4:, 2:], given[..., :-4, :-2], atol=1e-3, rtol=0)
    half = features(shrink=2)
    moved = net.warp(half, net(standing(), standing(shift=(2, 4)), SIZE), SIZE)
    torch.testing.assert_close(moved[..., 2:, 1:], half[..., :-2, :-1], atol=1e-3, rtol=0)


def test_kinds_give_what_they_say():
    source, driving = random_joints(3, SIZE), random_joints(3, SIZE, seed=1)
    mask = skips("mask")(source, driving, SIZE)
    assert isinstance(mask, LimbMotion) and mask.masks is not None
    assert mask.transforms.shape == (3, 10, 2, 3) and mask.masks.shape == (3, 10, *SIZE)
    full = skips("full")(source, driving, SIZE)
    assert full is not None and full.transforms.shape == (3, 1, 2, 3) and full.masks is None
    assert skips("none")(source, driving, SIZE) is None
    assert not list(skips("mask").parameters())


def test_one_source_serves_all_poses():
    net, given, driving = skips("mask"), features(), random_joints(3, SIZE)
    together = net.warp(given, net(standing(), driving, SIZE), SIZE)
    alone = net.warp(given, net(standing(), driving[1], SIZE), SIZE)
    assert together.shape[0] == 3 and torch.equal(together[1:2], alone)


def test_coarse_levels_stay():
    net = skips("mask", num_warped=1)
    levels = (features(), features(shrink=2))
    motion = net(standing(), standing(shift=(4, 0)), SIZE)
    moved = net.warp_all(levels, motion, SIZE)
    assert not torch.equal(moved[0], levels[0]) and torch.equal(moved[1], levels[1])


def test_the_learned_map_learns_from_poses():
    net = skips("stn")
    net.localization[-1].weight.data.normal_(std=1e-4)
    motion = net(standing("nose"), random_joints(2, SIZE), SIZE)
    net.warp(features(), motion, SIZE).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.parameters())
