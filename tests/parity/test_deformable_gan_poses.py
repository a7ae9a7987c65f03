"""Poses and the deformable skip of our deformable_gan against the authors' code, whatever cases the folder holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.core.types import Joints
from kinema.ops.warp import scale_transforms, warp_affine, warp_parts
from kinema.people.limbs import limb_rectangles, part_masks, part_transforms, whole_transform
from kinema.people.pose_maps import joint_heatmap, stickman
from kinema.people.skeleton import INDEX, torso_length

from .fixture import INFERENCE, Case, case_parameters, load

CASES = pytest.mark.parametrize("path", case_parameters("posegan/*.json"))
AUTHORS_SIDES = {"R": "right", "L": "left"}
AUTHORS_JOINTS = {"hip": "hip", "kne": "knee", "ank": "ankle", "sho": "shoulder", "elb": "elbow", "wri": "wrist"}
# Of the transforms, which are estimated in float64: the authors' own LAPACK differs from ours by 1e-12.
EXACT = 1e-9


def joints_of(keypoints: Tensor, dtype: torch.dtype = torch.float64) -> Joints:
    """Their (18, 2) rows and columns, -1 where missing."""
    return Joints(keypoints[None].flip(-1).to(dtype), (keypoints != -1).all(dim=-1)[None])


def matrices(transforms: Tensor) -> Tensor:
    """Their (..., 8) projective rows as (..., 2, 3)."""
    assert not transforms[..., 6:].any()
    return transforms[..., :6].unflatten(-1, (2, 3))


def pairs(case: Case) -> list[tuple[str, tuple[int, int], Joints, Joints]]:
    """Name, frame size, source and driving joints of every pair whose joints are there."""
    found = case.facts.get("pairs", {}).items()
    return [
        (name, tuple(facts["size"]), joints_of(case[f"{name}/kp1"]), joints_of(case[f"{name}/kp2"]))
        for name, facts in found
        if f"{name}/kp1" in case and f"{name}/kp2" in case
    ]


def compare(case: Case, ours: Tensor, name: str, tolerance: float) -> bool:
    """Whether the case has the tensor, which then agrees."""
    if name not in case:
        return False
    difference = (ours.double() - case[name].double()).abs().max().item()
    assert difference <= tolerance, f"{case.name} {name}: differs by {difference:.3g}, allowed {tolerance:.3g}"
    return True


def need_pairs(case: Case) -> list[tuple[str, tuple[int, int], Joints, Joints]]:
    found = pairs(case)
    if not found:
        pytest.skip(f"{case.name} has no pairs of poses")
    return found


@CASES
def test_transforms(path: Path) -> None:
    case = load(path)
    for name, _, source, driving in need_pairs(case):
        for kind, ours in (("affine", part_transforms), ("uniform", whole_transform)):
            theirs = f"{name}/{kind}_transform" + "s" * (kind == "affine")
            # Where their estimate failed ours has a fallback, which tests/ops checks.
            if theirs in case and not case.facts["pairs"][name].get(f"{kind}_error"):
                expected = matrices(case[theirs])
                difference = (ours(source, driving)[0] - expected).abs().max().item()
                assert difference <= EXACT, f"{case.name} {theirs}: differs by {difference:.3g}"


@CASES
def test_masks(path: Path) -> None:
    case = load(path)
    for name, size, _, driving in need_pairs(case):
        compare(case, part_masks(driving, size)[0], f"{name}/pose_masks_u8", 0)


@CASES
def test_limb_rectangles(path: Path) -> None:
    case = load(path)
    for name, _, _, driving in need_pairs(case):
        for full in (key for key in case.tensors if key.startswith(f"{name}/polygon_")):
            start, end, beyond = re.fullmatch(r".*/polygon_(\w+?)_(\w+)\(inc_to=(.*)\)", full).groups()
            where = [INDEX[f"{AUTHORS_SIDES[key[0]]}_{AUTHORS_JOINTS[key[1:]]}"] for key in (start, end)]
            ends = driving.value[:, where]
            reach = torch.tensor([float(beyond)], dtype=torch.float64)
            corners = limb_rectangles(ends[:, :1], ends[:, 1:], reach, torso_length(driving))
            compare(case, corners[0, 0], full, EXACT)


@CASES
def test_heat_maps_and_stick_men(path: Path) -> None:
    case = load(path)
    for name, size, _, driving in need_pairs(case):
        for full in (key for key in case.tensors if key.startswith(f"{name}/heatmap(")):
            sigma = float(re.search(r"sigma=([\d.]+)", full)[1])
            single = Joints(driving.value.float(), driving.present)
            compare(case, joint_heatmap(single, size, sigma=sigma)[0].movedim(0, -1), full, INFERENCE)
        compare(case, 2 * stickman(driving, size)[0].movedim(0, -1), f"{name}/stickman_x2_u8", 0)
    for full in (key for key in case.tensors if key.startswith("heatmap_")):
        # Its joints are not among the tensors, but whole pixels, so they are the maps' peaks.
        height, width, sigma = (
            int(number) for number in re.fullmatch(r"heatmap_(\d+)x(\d+)_sigma(\d+)", full).groups()
        )
        peaks = case[full].flatten(0, 1).max(dim=0)
        value = torch.stack([peaks.indices % width, peaks.indices // width], dim=-1)[None].float()
        joints = Joints(value, (peaks.values > 0)[None])
        compare(case, joint_heatmap(joints, (height, width), sigma=sigma)[0].movedim(0, -1), full, INFERENCE)


@CASES
def test_the_warp_at_each_level(path: Path) -> None:
    case = load(path)
    case.need("transforms", "masks_u8", "*/x")
    parts, masks = matrices(case["transforms"]), case["masks_u8"].bool()
    frame = (masks.shape[2], masks.shape[3])
    compared = 0
    for level in sorted(name.removesuffix("/x") for name in case.tensors if name.endswith("/x")):
        features = case[f"{level}/x"].movedim(-1, 1)
        size = (features.shape[2], features.shape[3])
        small = F.interpolate(masks.float(), size=size, mode="nearest")
        each = warp_affine(features, scale_transforms(parts, frame, size)) * small[:, :, None]
        made = {
            f"{level}/mask_max": warp_parts(features, parts, masks, aggregation="max"),
            f"{level}/mask_avg": warp_parts(features, parts, masks, aggregation="avg"),
            f"{level}/mask_none": each.flatten(1, 2),
        }
        if "uniform" in case:
            whole = scale_transforms(matrices(case["uniform"]), frame, size)
            made[f"{level}/full"] = warp_affine(features, whole)[:, 0]
        compared += sum(compare(case, ours.movedim(1, -1), name, 0 if "avg" not in name else INFERENCE)
                        for name, ours in made.items())  # fmt: skip
    assert compared


@CASES
def test_transforms_and_masks_of_the_cases_joints(path: Path) -> None:
    case = load(path)
    case.need("kp_source_*", "kp_target_*", "transforms", "masks_u8")
    rows = range(len(case["transforms"]))
    for row in rows:
        source, driving = (joints_of(case[f"kp_{which}_{row}"], torch.float32) for which in ("source", "target"))
        expected = matrices(case["transforms"])[row]
        torch.testing.assert_close(part_transforms(source, driving)[0], expected, atol=1e-6, rtol=1e-6)
        assert torch.equal(part_masks(driving, tuple(case["masks_u8"].shape[2:]))[0], case["masks_u8"][row].bool())
        if "uniform" in case:
            expected = matrices(case["uniform"])[row]
            torch.testing.assert_close(whole_transform(source, driving)[0], expected, atol=1e-6, rtol=1e-6)
