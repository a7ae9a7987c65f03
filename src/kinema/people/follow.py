"""Tracks one person through the frames of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kinema.core.types import Joints
from kinema.people.detector import FoundPerson
from kinema.people.skeleton import JOINTS

# How many people of a frame are tracked, so that the followed one is not confused with a neighbour.
MOST_PEOPLE = 8
# Mean distance between the joints of two poses, by the longer side of the joints' bounding box. Poses closer than the
# first are one person found twice. Poses further apart than the second are different people; this limit grows with each
# frame without the person.
_SAME, _REACH, _GROWTH, _FARTHEST = 0.1, 0.35, 0.05, 1.0


@dataclass
class _Known:
    points: NDArray[np.float32]
    missed: int = 0


class PersonTrack:
    """Follows one person, and all others too, so that a neighbour does not replace the person who leaves the frame."""

    def __init__(self, number: int = 1) -> None:
        """Takes the number of the person by size, 1 the largest, in the first frame that shows that many people."""
        self._number = number
        self._known: list[_Known] = []
        self._chosen: _Known | None = None

    def step(self, people: Sequence[FoundPerson]) -> FoundPerson | None:
        """Finds the followed person among the people of the next frame, the largest first; None if not there."""
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
        # Other people who have been gone for long are forgotten; the followed person never is.
        longest = (_FARTHEST - _REACH) / _GROWTH
        self._known = [known for known in self._known if known is self._chosen or known.missed <= longest]
        if self._chosen is None and len(found) >= self._number:
            self._chosen = matched[self._number - 1]
        return next((found[index] for index, known in matched.items() if known is self._chosen), None)

    def _match(self, points: Sequence[NDArray[np.float32]]) -> dict[int, _Known]:
        """Matches the people of the frame to known ones: the nearest pairs first, each person at most once."""
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
    """Collects poses in two arrays: many small tensors between large ones would keep the whole heap from shrinking."""

    def __init__(self) -> None:
        self._value = np.zeros((64, len(JOINTS), 2), dtype=np.float32)
        self._present = np.zeros((64, len(JOINTS)), dtype=np.bool_)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, joints: Joints | None) -> None:
        """Adds one row; None adds a row without joints."""
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
    """Removes people who were found twice."""
    kept: list[FoundPerson] = []
    for person in people:
        row = person.joints.value[0].numpy()
        if all(_distance(other.joints.value[0].numpy(), row) > _SAME for other in kept):
            kept.append(person)
    return kept


def _distance(known: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Mean distance between joints, by the longer side of the first pose's bounding box."""
    span = float(np.ptp(known, axis=0).max())
    return float(np.linalg.norm(known - found, axis=1).mean()) / max(span, 1e-6)
