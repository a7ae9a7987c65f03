"""Enter the people of each frame of a clip; leave one of them, the same from frame to frame, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kinema.core.types import Joints
from kinema.people.detector import FoundPerson
from kinema.people.skeleton import JOINTS

# How many people of a frame are told apart, so that the one who is followed is not mistaken for a neighbour.
MOST_PEOPLE = 8
# Mean distance between the joints of two poses, in the longer side of what the joints span: nearer than the first are
# one person found twice; further than the second is somebody else, and the bound grows with each frame missed.
_SAME, _REACH, _GROWTH, _FARTHEST = 0.1, 0.35, 0.05, 1.0


@dataclass
class _Known:
    points: NDArray[np.float32]
    missed: int = 0


class PersonTrack:
    """Follows one person; everybody else is followed too, so that who leaves is not replaced by a neighbour."""

    def __init__(self, number: int = 1) -> None:
        """Takes which person by size, 1 the largest, of the first frame that shows so many."""
        self._number = number
        self._known: list[_Known] = []
        self._chosen: _Known | None = None

    def step(self, people: Sequence[FoundPerson]) -> FoundPerson | None:
        """The followed one among the people of the next frame, the largest first; None where it is not seen."""
        found = _distinct(people)
        points = [person.joints.value[0].numpy().copy() for person in found]
        matched = self._match(points)
        for index, row in enumerate(points):
            if index not in matched:
                matched[index] = _Known(row)
                self._known.append(matched[index])
        for known in self._known:
            known.missed += 1
        for index, known in matched.items():
            known.points, known.missed = points[index], 0
        # A stranger who is long gone is forgotten, the person who is followed never.
        longest = (_FARTHEST - _REACH) / _GROWTH
        self._known = [known for known in self._known if known is self._chosen or known.missed <= longest]
        if self._chosen is None and len(found) >= self._number:
            self._chosen = matched[self._number - 1]
        return next((found[index] for index, known in matched.items() if known is self._chosen), None)

    def _match(self, points: Sequence[NDArray[np.float32]]) -> dict[int, _Known]:
        """Who of the frame is who: the nearest pairs first, each at most once."""
        pairs = sorted(
            (
                (distance, index, which)
                for which, known in enumerate(self._known)
                for index, row in enumerate(points)
                if (distance := _distance(known.points, row)) < min(_REACH + _GROWTH * known.missed, _FARTHEST)
            ),
        )
        matched: dict[int, _Known] = {}
        taken: set[int] = set()
        for _, index, which in pairs:
            if index not in matched and which not in taken:
                matched[index] = self._known[which]
                taken.add(which)
        return matched


class JointRows:
    """Poses of a growing clip in two arrays: kept one by one, small tensors between large ones pin the whole heap."""

    def __init__(self) -> None:
        self._value = np.zeros((64, len(JOINTS), 2), dtype=np.float32)
        self._present = np.zeros((64, len(JOINTS)), dtype=np.bool_)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, joints: Joints | None) -> None:
        """Adds one row, without any joint for None."""
        if self._count == len(self._value):
            self._value = np.concatenate([self._value, np.zeros_like(self._value)])
            self._present = np.concatenate([self._present, np.zeros_like(self._present)])
        if joints is not None:
            self._value[self._count] = joints.value[0].numpy()
            self._present[self._count] = joints.present[0].numpy()
        self._count += 1

    def joints(self) -> Joints:
        """All rows: value (T, 18, 2)."""
        return Joints(
            torch.from_numpy(self._value[: self._count].copy()), torch.from_numpy(self._present[: self._count].copy())
        )


def _distinct(people: Sequence[FoundPerson]) -> list[FoundPerson]:
    """Without those that are another one found twice."""
    kept: list[FoundPerson] = []
    for person in people:
        row = person.joints.value[0].numpy()
        if all(_distance(other.joints.value[0].numpy(), row) > _SAME for other in kept):
            kept.append(person)
    return kept


def _distance(known: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Mean distance between joints, in the longer side of what the first pose spans."""
    span = float(np.ptp(known, axis=0).max())
    return float(np.linalg.norm(known - found, axis=1).mean()) / max(span, 1e-6)
