"""Measures how many joints are found where they should be."""

from __future__ import annotations

from torch import Tensor

from kinema.core.types import Joints
from kinema.people.skeleton import torso_length


def joints_found(found: Joints, wanted: Joints, *, within: float = 0.1) -> Tensor:
    """Fraction of the wanted joints that are found near their place (PCK, Yang and Ramanan, TPAMI 2013).

    Distances are measured in units of the wanted pose's torso, see ``torso_length``.

    Args:
        found: value (B, 18, 2) in pixels; a joint that is missing here counts as not found.
        wanted: value (B, 18, 2); joints that are missing here are ignored.
        within: largest distance in torso lengths.

    Returns:
        (B,) in [0, 1]; NaN if no joint is wanted.
    """
    distance = (found.value - wanted.value).norm(dim=-1)  # (B, 18)
    near = (distance <= within * torso_length(wanted)[:, None]) & found.present & wanted.present
    return near.sum(dim=1) / wanted.present.sum(dim=1)
