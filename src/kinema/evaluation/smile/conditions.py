"""Groups labelled clips by their neutral face and label, and forms the rows of figures about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from kinema.data.labelled.expression_clips import LabelledClip
from kinema.evaluation.summary import summarise

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Start:
    """The input of one run of a model: a neutral face and a label.

    Attributes:
        identity: name of the person.
        label: class of expression.
        clips: one or more recorded clips, which all begin with the same landmarks.
    """

    identity: str
    label: str
    clips: tuple[LabelledClip, ...]


def find_starts(clips: Sequence[LabelledClip]) -> tuple[Start, ...]:
    """Clips of one identity and label whose first landmarks are equal, in the order of the first clip of each."""
    groups: dict[tuple[str, str, bytes], list[LabelledClip]] = defaultdict(list)
    for clip in clips:
        groups[clip.identity, clip.label, clip.known_landmarks()[0].tobytes()].append(clip)
    return tuple(Start(identity, label, tuple(members)) for (identity, label, _), members in groups.items())


@dataclass(frozen=True)
class Rows:
    """Rows of figures, for clips, starts and identities; a row has ``identity``, and method to metric to value.

    Attributes:
        clips: a row for each clip of each start, start after start.
        starts: a row for each start.
        identities: a row for each identity.
    """

    clips: list[Row] = field(default_factory=list)
    starts: list[Row] = field(default_factory=list)
    identities: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, starts: Sequence[Start]) -> Rows:
        """Rows without figures."""
        names = dict.fromkeys(start.identity for start in starts)
        return cls(
            [
                {"code": clip.code, "identity": start.identity, "label": start.label}
                for start in starts
                for clip in start.clips
            ],
            [
                {"identity": start.identity, "label": start.label, "codes": [clip.code for clip in start.clips]}
                for start in starts
            ],
            [{"identity": name} for name in names],
        )

    def by_start(self) -> Iterator[tuple[Row, list[Row]]]:
        """The row of each start and those of its clips."""
        begin = 0
        for row in self.starts:
            yield row, self.clips[begin : begin + len(row["codes"])]
            begin += len(row["codes"])

    def summary(self, method: str, seed: int) -> dict[str, Any]:
        """Means with intervals over identities of all figures of a method, see :func:`summarise`."""
        figures: dict[str, Any] = {}
        for rows in (self.clips, self.starts, self.identities):
            figures |= summarise(rows, method, [row["identity"] for row in rows], seed)
        return figures


def add(row: Row, method: str, **figures: float | None) -> None:
    """Adds figures of a method to a row; NaN becomes None, for what could not be measured."""
    known = {name: None if value is None or value != value else float(value) for name, value in figures.items()}
    row.setdefault(method, {}).update(known)
