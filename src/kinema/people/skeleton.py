"""Defines the 18 joints of a body and its ten parts, and computes what depends on joints alone.

The order of the joints is that of OpenPose and of pose-gan's annotations; right and left are the person's own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Joints

JOINTS = (
    *("nose", "neck"),
    *("right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
INDEX = {name: index for index, name in enumerate(JOINTS)}


def joint_indices(*names: str) -> tuple[int, ...]:
    """Positions of named joints.

    >>> joint_indices("nose", "left_hip")
    (0, 11)
    """
    return tuple(INDEX[name] for name in names)


def other_side(name: str) -> str:
    """The joint on the other side of the body, itself for the two in the middle.

    >>> other_side("left_hip"), other_side("nose")
    ('right_hip', 'nose')
    """
    side, _, rest = name.partition("_")
    return {"right": f"left_{rest}", "left": f"right_{rest}"}.get(side, name)


TORSO = joint_indices("right_hip", "left_hip", "left_shoulder", "right_shoulder")
SHOULDERS = joint_indices("left_shoulder", "right_shoulder")
KNEES = joint_indices("right_knee", "left_knee")
HEAD = joint_indices("nose", "right_eye", "left_eye", "right_ear", "left_ear")

# Right before left, so that a limb and that of the other side are neighbours.
LIMBS = tuple(
    joint_indices(f"{side}_{start}", f"{side}_{end}")
    for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
    for side in ("right", "left")
)
OTHER_LIMB = tuple(index ^ 1 for index in range(len(LIMBS)))
# Thighs and upper arms end at a joint that the next part covers; shins and forearms extend over foot and hand.
IS_OUTER_LIMB = (False, False, True, True) * 2

PARTS = (
    *("body", "head"),
    *("right_thigh", "left_thigh", "right_shin", "left_shin"),
    *("right_upper_arm", "left_upper_arm", "right_forearm", "left_forearm"),
)

# Height of a standing person's joints in torso lengths: median over the 2880 training images of data/people.
EXTENT_IN_TORSOS = 3.3


def mirror_joints(joints: Joints, width: int) -> Joints:
    """The joints of the mirrored frame: right and left are swapped.

    Args:
        joints: (B, 18, 2) in pixels.
        width: of the frame, in pixels.

    Returns:
        Joints of the mirrored frame; value (B, 18, 2).
    """
    order = [INDEX[other_side(name)] for name in JOINTS]
    x, y = joints.value[:, order].unbind(dim=-1)
    return Joints(torch.stack([width - 1 - x, y], dim=-1), joints.present[:, order])


def scale_joints(joints: Joints, size: tuple[int, int], wanted: tuple[int, int]) -> Joints:
    """The joints of a frame that was resized with the outer edges of its pixels aligned.

    Args:
        joints: value (B, 18, 2) in pixels.
        size: (height, width) of the frame.
        wanted: (height, width) that it was resized to.

    Returns:
        Joints in pixels of the resized frame, value (B, 18, 2).
    """
    factor = joints.value.new_tensor([wanted[1] / size[1], wanted[0] / size[0]])
    return Joints((joints.value + 0.5) * factor - 0.5, joints.present)


def torso_length(joints: Joints) -> Tensor:
    """The length of a torso: the root mean square of the distances from hip to shoulder, right and left.

    If only one side is present, it is used alone. If none is, the length is estimated from the spread of all joints.

    Args:
        joints: value (B, 18, 2).

    Returns:
        (B,) in pixels, 0 if fewer than two joints are present.
    """
    hips, shoulders = joint_indices("right_hip", "left_hip"), joint_indices("right_shoulder", "left_shoulder")
    squared = (joints.value[:, hips] - joints.value[:, shoulders]).square().sum(dim=-1)  # (B, 2)
    both = joints.present[:, hips] & joints.present[:, shoulders]
    count = both.sum(dim=1)
    measured = (torch.where(both, squared, 0).sum(dim=1) / count.clamp_min(1)).sqrt()
    offsets = (joints.value[:, :, None] - joints.value[:, None]).square().sum(dim=-1)  # (B, 18, 18)
    together = joints.present[:, :, None] & joints.present[:, None]
    extent = torch.where(together, offsets, 0).amax(dim=(1, 2)).sqrt()
    return torch.where(count > 0, measured, extent / EXTENT_IN_TORSOS)


def no_joints() -> Joints:
    """One row without any joint, value (1, 18, 2)."""
    return Joints(torch.zeros(1, len(JOINTS), 2), torch.zeros(1, len(JOINTS), dtype=torch.bool))
