"""Two poses -> where each of ten body parts is and how it moves (Deformable GANs, CVPR 2018, Sec. 3.2).

Everything is in pixels. All parts of all rows of a batch are computed together. Whatever the joints are, nothing raises
and nothing becomes NaN: a part that cannot be estimated is looked for FAR pixels outside the source, where there is
nothing.
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
# The paper's rectangles, in shares of the limb's length beyond its two ends and of the torso's length to each side.
BEYOND_START, SIDEWAYS = 0.1, 0.2
BEYOND_END = 0.1
BEYOND_OUTER_END_IN_MASKS, BEYOND_OUTER_END_IN_TRANSFORMS = 0.5, 0.3
HEAD_HALF_SIDE = 0.4


def limb_rectangles(start: Tensor, end: Tensor, beyond_end: Tensor, torso: Tensor) -> Tensor:
    """The corners of rectangles along limbs.

    Args:
        start: (B, L, 2) points (x, y) in pixels where limbs begin.
        end: (B, L, 2) where they end.
        beyond_end: (L,) how far each reaches past its end, as a share of its (already prolonged) length.
        torso: (B,) length of the torso in pixels, which sets the width.

    Returns:
        (B, L, 4, 2) points (x, y): two at the start, two at the end. A limb of no length gives four on a diagonal line.
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
    """Where each part may be in the frame of a pose.

    The body may be anywhere (its transform also carries the background, as in the authors' code), the head is a
    square, a limb a rectangle; a part without its joints is nowhere.

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
    """About where a person is, from joints alone: head, limbs and the torso between hips and shoulders.

    The pose masks of mask-SSIM (Ma et al., "Pose Guided Person Image Generation", NeurIPS 2017) are like it.

    Args:
        joints: value (B, 18, 2) in pixels.
        size: (height, width) of the frame.

    Returns:
        (B, 1, height, width) bool.
    """
    return (part_masks(joints, size)[:, 1:].any(dim=1) | torso_mask(joints, size))[:, None]


def torso_mask(joints: Joints, size: tuple[int, int]) -> Tensor:
    """Between hips and shoulders.

    Args:
        joints: value (B, 18, 2) in pixels.
        size: (height, width) of the frame.

    Returns:
        (B, height, width) bool, nothing where one of the four is missing.
    """
    exact = _in_float64(joints)
    hips_shoulders = exact.value[:, [TORSO[1], TORSO[2], TORSO[3], TORSO[0]]]  # in this order round the four
    return inside_polygon(hips_shoulders, size) & exact.present[:, TORSO].all(dim=1)[:, None, None]


def part_transforms(source: Joints, driving: Joints) -> Tensor:
    """How each part moves from the driving pose to the source.

    A limb that the source lacks is taken from the source's other side. What the driving pose lacks, or the source on
    both sides, and what cannot be estimated (joints on a line, a limb of no length) lies FAR outside.

    Args:
        source: value (B, 18, 2).
        driving: value (B, 18, 2).

    Returns:
        (B, 10, 2, 3) affine maps of driving pixels (x, y, 1) to source pixels (x, y), in the dtype of the joints.
    """
    pair = _in_float64(source), _in_float64(driving)
    body = _joint_points(*pair, TORSO)
    points, goals, both = _joint_points(*pair, (*HEAD, *SHOULDERS))
    # Shoulders alone say nothing about a head.
    both = both & both[:, : len(HEAD)].any(dim=1, keepdim=True)
    head = points, goals, both
    parts = [_padded(*body)[:, None], _padded(*head)[:, None], _padded(*_limb_points(*pair))]
    return _estimated(torch.cat(parts, dim=1)).to(source.value.dtype)


def whole_transform(source: Joints, driving: Joints) -> Tensor:
    """How the body as one moves from the driving pose to the source, by hips, shoulders and the knees that both have.

    Args:
        source: value (B, 18, 2).
        driving: value (B, 18, 2).

    Returns:
        (B, 1, 2, 3) affine maps as :func:`part_transforms` gives.
    """
    points = _joint_points(_in_float64(source), _in_float64(driving), (*TORSO, *KNEES))
    return _estimated(_padded(*points)[:, None]).to(source.value.dtype)


def far_outside(like: Tensor) -> Tensor:
    """The (2, 3) map that looks FAR pixels to the right and below, in dtype and device of any tensor (N, ...)."""
    return torch.tensor([[1, 0, FAR], [0, 1, FAR]], dtype=like.dtype, device=like.device)


def _in_float64(joints: Joints) -> Joints:
    """The same with missing joints at 0, so that no arithmetic meets what stands there."""
    return Joints(torch.where(joints.present[..., None], joints.value.double(), 0), joints.present)


def _limb_ends(joints: Joints) -> tuple[Tensor, Tensor]:
    """(B, 8, 2, 2) start and end of each limb, and (B, 8) bool whether both are there."""
    return joints.value[:, LIMBS], joints.present[:, LIMBS].all(dim=2)


def _head_mask(joints: Joints, torso: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, height, width) bool: a square of whole pixels about the middle of what is seen of the head."""
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
    """Both points and the weight in one (..., 7, 5) tensor: seven points are the most that a part has."""
    together = torch.cat([points, goals, weights[..., None].to(points.dtype)], dim=-1)
    return F.pad(together, (0, 0, 0, len(HEAD) + len(SHOULDERS) - points.shape[-2]))


def _estimated(points: Tensor) -> Tensor:
    """(B, P, 2, 3) maps of what :func:`_padded` gave, those that cannot be estimated far outside."""
    matrix, found = fit_affine(points[..., :2], points[..., 2:4], points[..., 4] > 0)
    return torch.where(found[..., None, None], matrix, far_outside(matrix))
