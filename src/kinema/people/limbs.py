"""Computes the masks and motions of ten body parts from two poses (Deformable GANs, CVPR 2018, Sec. 3.2).

Everything is in pixels. All parts of all rows of a batch are computed together. No pose raises an error or gives NaN: a
part whose motion cannot be estimated is sampled FAR pixels outside the source, where there is nothing.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.core.types import Joints
from kinema.ops.affine_fit import fit_affine
from kinema.ops.polygon import inside_polygon
from kinema.people.skeleton import HEAD, IS_OUTER_LIMB, KNEES, LIMBS, OTHER_LIMB, SHOULDERS, TORSO, torso_length

FAR = 1000.0
# The paper's rectangles, as fractions of the limb's length beyond its two ends and of the torso's length to each side.
BEYOND_START, SIDEWAYS = 0.1, 0.2
BEYOND_END = 0.1
BEYOND_OUTER_END_IN_MASKS, BEYOND_OUTER_END_IN_TRANSFORMS = 0.5, 0.3
HEAD_HALF_SIDE = 0.4


def limb_rectangles(start: Tensor, end: Tensor, beyond_end: Tensor, torso: Tensor) -> Tensor:
    """The corners of rectangles along limbs.

    Args:
        start: (B, L, 2) points (x, y) in pixels where limbs begin.
        end: (B, L, 2) where they end.
        beyond_end: (L,) how far each reaches past its end, as a fraction of its length (already extended at the start).
        torso: (B,) length of the torso in pixels, which sets the width.

    Returns:
        (B, L, 4, 2) points (x, y): two at the start, two at the end. For a limb of length 0, all lie on a diagonal.
    """
    start = start + (start - end) * BEYOND_START
    end = end + (end - start) * beyond_end[:, None]
    along = start - end
    across = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    length = across.norm(dim=-1, keepdim=True)
    has_length = length > 0
    across = (torso * SIDEWAYS)[:, None, None] * (across / torch.where(has_length, length, 1))
    corners = torch.stack([start + across, start - across, end - across, end + across], dim=2)
    point = torch.stack([start + 1, start - 1, end - 1, end + 1], dim=2)
    return torch.where(has_length[..., None], corners, point)


def part_masks(joints: Joints, size: tuple[int, int]) -> Tensor:
    """Masks of where each part may be in the frame of a pose.

    The mask of the body covers the whole frame (its transform also moves the background, as in the authors' code). That
    of the head is a square, that of a limb a rectangle; the mask of a part without its joints is empty.

    Args:
        joints: of the frame, value (B, 18, 2).
        size: (height, width) of the frame.

    Returns:
        (B, 10, height, width) bool, in the order of ``PARTS``.
    """
    exact = _in_float64(joints)
    torso = torso_length(exact)
    reach = [BEYOND_OUTER_END_IN_MASKS if outer else BEYOND_END for outer in IS_OUTER_LIMB]
    ends, there = _limb_ends(exact)
    corners = limb_rectangles(ends[:, :, 0], ends[:, :, 1], ends.new_tensor(reach), torso)
    limbs = inside_polygon(corners, size) & there[..., None, None]
    body = limbs.new_ones((len(limbs), 1, *size))
    return torch.cat([body, _head_mask(exact, torso, size)[:, None], limbs], dim=1)


def person_mask(joints: Joints, size: tuple[int, int]) -> Tensor:
    """An approximate mask of a person, from joints alone: head, limbs and the torso between hips and shoulders.

    It is similar to the pose masks of mask-SSIM (Ma et al., "Pose Guided Person Image Generation", NeurIPS 2017).

    Args:
        joints: value (B, 18, 2) in pixels.
        size: (height, width) of the frame.

    Returns:
        (B, 1, height, width) bool.
    """
    return (part_masks(joints, size)[:, 1:].any(dim=1) | torso_mask(joints, size))[:, None]


def torso_mask(joints: Joints, size: tuple[int, int]) -> Tensor:
    """A mask of the torso, between hips and shoulders.

    Args:
        joints: value (B, 18, 2) in pixels.
        size: (height, width) of the frame.

    Returns:
        (B, height, width) bool, empty if one of the four joints is missing.
    """
    exact = _in_float64(joints)
    hips_shoulders = exact.value[:, [TORSO[1], TORSO[2], TORSO[3], TORSO[0]]]  # in order around the polygon
    return inside_polygon(hips_shoulders, size) & exact.present[:, TORSO].all(dim=1)[:, None, None]


def part_transforms(source: Joints, driving: Joints) -> Tensor:
    """The motion of each part from the driving pose to the source.

    A limb that is missing in the source is taken from its other side. Parts that are missing in the driving pose, or on
    both sides of the source, or that cannot be estimated (joints on a line, limbs of length 0), are sampled FAR
    outside.

    Args:
        source: value (B, 18, 2).
        driving: value (B, 18, 2).

    Returns:
        (B, 10, 2, 3) affine maps of driving pixels (x, y, 1) to source pixels (x, y), in the dtype of the joints.
    """
    pair = _in_float64(source), _in_float64(driving)
    body = _joint_points(*pair, TORSO)
    points, goals, both = _joint_points(*pair, (*HEAD, *SHOULDERS))
    # Shoulders alone do not determine the motion of a head.
    both = both & both[:, : len(HEAD)].any(dim=1, keepdim=True)
    head = points, goals, both
    parts = [_padded(*body)[:, None], _padded(*head)[:, None], _padded(*_limb_points(*pair))]
    return _estimated(torch.cat(parts, dim=1)).to(source.value.dtype)


def whole_transform(source: Joints, driving: Joints) -> Tensor:
    """The motion of the whole body from driving pose to source, from hips, shoulders and the knees that both have.

    Args:
        source: value (B, 18, 2).
        driving: value (B, 18, 2).

    Returns:
        (B, 1, 2, 3) affine maps as from :func:`part_transforms`.
    """
    points = _joint_points(_in_float64(source), _in_float64(driving), (*TORSO, *KNEES))
    return _estimated(_padded(*points)[:, None]).to(source.value.dtype)


def far_outside(like: Tensor) -> Tensor:
    """The (2, 3) map that samples FAR pixels to the right and below, with dtype and device of a tensor (N, ...)."""
    return torch.tensor([[1, 0, FAR], [0, 1, FAR]], dtype=like.dtype, device=like.device)


def _in_float64(joints: Joints) -> Joints:
    """Converts joints to float64 and sets missing ones to 0, so that their values cannot disturb the arithmetic."""
    return Joints(torch.where(joints.present[..., None], joints.value.double(), 0), joints.present)


def _limb_ends(joints: Joints) -> tuple[Tensor, Tensor]:
    """(B, 8, 2, 2) start and end of each limb, and (B, 8) bool whether both are present."""
    return joints.value[:, LIMBS], joints.present[:, LIMBS].all(dim=2)


def _head_mask(joints: Joints, torso: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, height, width) bool: a square of whole pixels around the centre of the head's visible joints."""
    seen = joints.present[:, HEAD]
    count = seen.sum(dim=1)
    centre = (joints.value[:, HEAD].sum(dim=1) / count.clamp_min(1)[:, None]).trunc()
    reach = (HEAD_HALF_SIDE * torso).trunc()[:, None]
    x, y = centre.split(1, dim=1)
    columns, rows = (torch.arange(side, dtype=x.dtype, device=x.device) for side in (size[1], size[0]))
    across, down = ((at - reach <= grid) & (grid < at + reach) for at, grid in ((x, columns), (y, rows)))
    return down[:, :, None] & across[:, None] & (count > 0)[:, None, None]


def _joint_points(source: Joints, driving: Joints, names: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """(B, N, 2) of the driving pose, of the source, and (B, N) bool whether both have the joint."""
    return driving.value[:, names], source.value[:, names], driving.present[:, names] & source.present[:, names]


def _limb_points(source: Joints, driving: Joints) -> tuple[Tensor, Tensor, Tensor]:
    """(B, 8, 4, 2) corners of the limbs in the driving pose, in the source, and (B, 8, 4) bool."""
    reach = [BEYOND_OUTER_END_IN_TRANSFORMS if outer else BEYOND_END for outer in IS_OUTER_LIMB]
    driving_ends, driving_there = _limb_ends(driving)
    source_ends, source_there = _limb_ends(source)
    ends = torch.where(source_there[..., None, None], source_ends, source_ends[:, OTHER_LIMB])
    there = driving_there & (source_there | source_there[:, OTHER_LIMB])
    beyond = ends.new_tensor(reach)
    corners = [
        limb_rectangles(pair[:, :, 0], pair[:, :, 1], beyond, torso_length(joints))
        for pair, joints in ((driving_ends, driving), (ends, source))
    ]
    return corners[0], corners[1], there[..., None].expand(-1, -1, 4)


def _padded(points: Tensor, goals: Tensor, weights: Tensor) -> Tensor:
    """Joins points, goals and weights as one (..., 7, 5) tensor: no part has more than seven points."""
    together = torch.cat([points, goals, weights[..., None].to(points.dtype)], dim=-1)
    return F.pad(together, (0, 0, 0, len(HEAD) + len(SHOULDERS) - points.shape[-2]))


def _estimated(points: Tensor) -> Tensor:
    """(B, P, 2, 3) maps from the result of :func:`_padded`; maps that cannot be estimated sample far outside."""
    matrix, found = fit_affine(points[..., :2], points[..., 2:4], points[..., 4] > 0)
    return torch.where(found[..., None, None], matrix, far_outside(matrix))
