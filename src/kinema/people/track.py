"""Fills gaps in the poses of a clip, smooths them, and fits them to the size and position of another person.

Everything is in pixels of the frames; T is the number of frames.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.people.skeleton import LIMBS, SHOULDERS, joint_indices

_HIPS, _SHOULDERS = joint_indices("right_hip", "left_hip"), SHOULDERS
_ANKLES = joint_indices("right_ankle", "left_ankle")
_SIDES = (joint_indices("right_shoulder", "right_hip"), joint_indices("left_shoulder", "left_hip"))
# Used if two poses have no limb in common: less reliable lengths, since a head nods and shoulders turn.
_LAST_RESORT = (joint_indices("nose", "neck"), SHOULDERS, joint_indices("right_hip", "left_hip"))
# A bone looks short from the side or from above, so a high quantile over the frames is taken for its length.
_LONG = 0.9
_LEAST_SIGMA = 0.1


def fill_gaps(track: Joints, longest: int) -> Joints:
    """Interpolates joints that are missing for a few frames linearly between the frames that have them.

    Args:
        track: value (T, 18, 2).
        longest: the longest gap that is filled, in frames; before its first and after its last frame a joint stays
            missing.
    """
    frames = len(track.value)
    index = torch.arange(frames, device=track.value.device)[:, None].expand(track.present.shape)
    before = torch.where(track.present, index, -1).cummax(dim=0).values
    after = torch.where(track.present, index, frames).flip(0).cummin(dim=0).values.flip(0)
    filled = ~track.present & (before >= 0) & (after < frames) & (after - before - 1 <= longest)
    position = ((index - before) / (after - before).clamp_min(1)).to(track.value)[..., None]
    ends = [track.value.gather(0, at.clamp(0, frames - 1)[..., None].expand(-1, -1, 2)) for at in (before, after)]
    return Joints(
        torch.where(filled[..., None], torch.lerp(ends[0], ends[1], position), track.value), track.present | filled
    )


def smooth_joints(track: Joints, sigma: float) -> Joints:
    """Averages joints over neighbouring frames by a Gaussian; missing joints stay missing and are not used.

    Args:
        track: value (T, 18, 2).
        sigma: of the Gaussian, in frames; below a tenth the neighbours have no weight and nothing changes.
    """
    if sigma < _LEAST_SIGMA:
        return track
    radius = math.ceil(3 * sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64, device=track.value.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))[None, None]  # (1, 1, 2 radius + 1)
    there = track.present.double()  # (T, 18)
    known = torch.where(track.present[..., None], track.value.double(), 0) * there[..., None]
    rows = torch.cat([known, there[..., None]], dim=-1).flatten(1).T[:, None]  # (18 * 3, 1, T)
    x, y, weight = F.conv1d(rows, kernel, padding=radius)[:, 0].T.unflatten(1, (-1, 3)).unbind(dim=-1)
    mean = torch.stack([x, y], dim=-1) / weight.clamp_min(1e-12)[..., None]
    return Joints(torch.where(track.present[..., None], mean.to(track.value), track.value), track.present)


def fit_to_person(source: Joints, track: Joints) -> Joints:
    """Scales and moves the poses of a clip so that the first one has the size and position of a person.

    The whole clip is scaled by one factor, so proportions are kept: the ratio of the lengths of bones that both have,
    where the clip's bones are measured at their longest. The feet of the first pose, or its hips if feet are missing,
    are moved to those of the person.

    Args:
        source: one row, of the person.
        track: value (T, 18, 2), of any size and position.

    Returns:
        T rows, in pixels of the source's picture.

    Raises:
        InputError: either has too few joints.
    """
    seen = track.present.sum(dim=1) > 1
    if not seen.any():
        raise InputError("poses: no frame shows two joints or more; give poses of a person")
    scale = _body_scale(source, track)
    first = track[int(seen.nonzero()[0])]
    goal, start = _standing_points(source, first)
    return Joints((track.value - start) * scale + goal, track.present)


def _body_scale(source: Joints, track: Joints) -> float:
    """The ratio of the person's size to the size in the track."""
    for bones in ((*LIMBS, *_SIDES), _LAST_RESORT):
        own, theirs = (_lengths(joints, bones) for joints in (source, track))
        common = ~own[0].isnan() & ~theirs.isnan().all(dim=0)
        if common.any():
            total_own, total_theirs = own[0, common].sum(), theirs[:, common].nanquantile(_LONG, dim=0).sum()
            if total_own > 0 and total_theirs > 0:
                return float(total_own / total_theirs)
    raise InputError(
        "poses: the person and the poses share no arm, leg, shoulders or neck, so their sizes cannot be compared; "
        "give poses with more joints, or poses in pixels of the photo with --no-fit"
    )


def _lengths(joints: Joints, bones: tuple[tuple[int, ...], ...]) -> Tensor:
    """The (T, N) float64 lengths of bones, NaN if an end is missing."""
    ends = joints.value[:, bones]  # (T, N, 2, 2)
    lengths = (ends[:, :, 0] - ends[:, :, 1]).norm(dim=-1).double()
    return torch.where(joints.present[:, bones].all(dim=-1), lengths, torch.nan)


def _standing_points(source: Joints, first: Joints) -> tuple[Tensor, Tensor]:
    """The (2,) points at which two poses stand, from joints that both have: hips, else shoulders, else any.

    x is the middle of these joints; y is that of the lower foot if both have one, else of the middle too.
    """
    both = source.present[0] & first.present[0]
    groups = (_HIPS, _SHOULDERS, tuple(range(len(both))))
    rows = next((found for group in groups if (found := [row for row in group if both[row]])), [])
    if not rows:
        raise InputError(
            "poses: the first pose and the person share no joint; give poses that show as much of a person"
        )
    points = [joints.value[0, rows].mean(dim=0) for joints in (source, first)]
    if source.present[0, _ANKLES].any() and first.present[0, _ANKLES].any():
        feet = [
            joints.value[0, [row for row in _ANKLES if joints.present[0, row]], 1].max() for joints in (source, first)
        ]
        points = [torch.stack([point[0], foot]) for point, foot in zip(points, feet, strict=True)]
    return points[0], points[1]


def complete_from(source: Joints, track: Joints) -> Joints:
    """Takes joints that no frame of a clip shows from the person; for example, the legs stay as they are.

    They move along with the hips, or with the shoulders if hips are missing.

    Args:
        source: one row, of the person.
        track: value (T, 18, 2), fitted to the person.
    """
    lacking = source.present[0] & ~track.present.any(dim=0)  # (18,)
    for group in (_HIPS, _SHOULDERS):
        rows = [row for row in group if source.present[0, row]]
        there = track.present[:, rows].all(dim=1) if rows else track.present.new_zeros(len(track.present))
        if there.any():
            moved = track.value[:, rows].mean(dim=1) - source.value[0, rows].mean(dim=0)  # (T, 2)
            value = torch.where(lacking[:, None], source.value + moved[:, None], track.value)
            return Joints(value, track.present | (lacking & there[:, None]))
    return track
