"""Parts of a body: known answers, the stated fallbacks, and poses that no estimate exists for."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given

from kinema.core.types import Joints
from kinema.ops.warp import warp_affine, warp_parts
from kinema.people.limbs import FAR, far_outside, part_masks, part_transforms, whole_transform
from kinema.people.pose_maps import joint_heatmap, stickman
from kinema.people.skeleton import JOINTS, PARTS

from .poses import SIZE, any_joints, random_joints, standing


def part(name: str) -> int:
    return PARTS.index(name)


def test_the_same_pose_moves_nothing():
    transforms = part_transforms(standing(), standing())
    torch.testing.assert_close(transforms, torch.eye(2, 3).expand(1, 10, 2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(whole_transform(standing(), standing())[0, 0], torch.eye(2, 3), atol=1e-5, rtol=0)


def test_a_shifted_pose_shifts_back():
    expected = torch.tensor([[1.0, 0, -2], [0, 1, -3]])
    transforms = part_transforms(standing(), standing(shift=(2, 3)))
    torch.testing.assert_close(transforms, expected.expand(1, 10, 2, 3), atol=1e-4, rtol=0)


def test_rows_do_not_meet_and_the_dtype_stays():
    source, driving = random_joints(4, SIZE), random_joints(4, SIZE, seed=1)
    together = part_transforms(source, driving)
    assert together.dtype == torch.float32
    for row in range(4):
        torch.testing.assert_close(part_transforms(source[row], driving[row])[0], together[row])
        assert torch.equal(part_masks(driving[row], SIZE)[0], part_masks(driving, SIZE)[row])


def test_a_limb_that_the_source_hides_is_taken_from_its_other_side():
    source, driving = standing("right_wrist"), standing()
    mirrored = part_transforms(source, driving)[0, part("right_forearm")]
    elbow = mirrored @ torch.tensor([9.0, 22.0, 1.0])
    assert (elbow - torch.tensor([23.0, 22.0])).abs().max() < 1  # the left elbow


@pytest.mark.parametrize(
    ("source", "driving", "names"),
    [
        (standing(), standing("left_knee"), ["left_thigh", "left_shin"]),
        (standing("right_ankle", "left_ankle"), standing(), ["right_shin", "left_shin"]),
        (standing("right_hip", "left_shoulder"), standing(), ["body"]),
        (standing("nose", "right_eye", "left_eye", "right_ear", "left_ear"), standing(), ["head"]),
    ],
)
def test_what_is_missing_lies_far_outside(source: Joints, driving: Joints, names: list[str]):
    transforms = part_transforms(source, driving)[0]
    far = [name for name in PARTS if torch.equal(transforms[part(name)], far_outside(transforms))]
    assert far == names


def test_a_limb_without_length_lies_far_outside():
    folded = standing()
    value = folded.value.clone()
    value[:, JOINTS.index("left_wrist")] = value[:, JOINTS.index("left_elbow")]
    folded = Joints(value, folded.present)
    for pair in ((standing(), folded), (folded, standing())):
        assert part_transforms(*pair)[0, part("left_forearm"), 0, 2] == FAR


def test_masks_lie_where_the_limbs_are():
    masks = part_masks(standing(), SIZE)[0]
    assert masks[part("body")].all()
    head = masks[part("head")].nonzero()
    assert head[:, 0].min() == 0 and head[:, 0].max() == 13 and head[:, 1].min() == 9 and head[:, 1].max() == 22
    for name, (x, y) in {"right_thigh": (13, 38), "left_shin": (20, 60), "left_forearm": (24, 33)}.items():
        assert masks[part(name), y, x]
    assert not masks[part("right_thigh"), :, 20:].any()
    assert not part_masks(standing("left_knee"), SIZE)[0, part("left_shin")].any()


@given(any_joints(), any_joints())
def test_no_pose_raises_or_gives_nan(source: Joints, driving: Joints):
    size = (24, 16)
    transforms, whole = part_transforms(source, driving), whole_transform(source, driving)
    masks = part_masks(driving, size)
    features = torch.rand(1, 2, 12, 8, requires_grad=True)
    results = [transforms, whole, joint_heatmap(driving, size), stickman(driving, size)]
    results += [warp_parts(features, transforms, masks, aggregation=how, sampling=sampling)
                for how in ("max", "avg") for sampling in ("nearest", "bilinear")]  # fmt: skip
    results.append(warp_affine(features, whole))
    assert all(result.isfinite().all() for result in results)
    sum(result.sum() for result in results if result.requires_grad).backward()
    assert features.grad.isfinite().all()
