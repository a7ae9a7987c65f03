"""Joints found where they should be."""

from __future__ import annotations

from torch import Tensor

from kinema.core.types import Joints
from kinema.people.skeleton import torso_length


def joints_found(found: Joints, wanted: Joints, *, within: float = 0.1) -> Tensor:
    """Share of the wanted joints that are found near where they should be (PCK, Yang and Ramanan, TPAMI 2013).

    The measure is the wanted pose's torso: root mean square of its hip-to-shoulder distances, as ``torso_length`` says.

    Args:
        found: value (B, 18, 2) in pixels; a joint that is missing here counts as not found.
        wanted: value (B, 18, 2); joints that are missing here do not count at all.
        within: largest distance in torso lengths.

    Returns:
        (B,) in [0, 1]; NaN where no joint is wanted.
    """
    distance = (found.value - wanted.value).norm(dim=-1)  # (B, 18)
    near = (distance <= within * torso_length(wanted)[:, None]) & found.present & wanted.present
    return near.sum(dim=1) / wanted.present.sum(dim=1)
