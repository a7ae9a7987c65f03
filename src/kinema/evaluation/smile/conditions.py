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
    """What a model is asked once: a neutral face and a label.

    Attributes:
        identity: who it is.
        label: class of expression.
        clips: what happened, one or more; all begin with the same landmarks.
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
    """Figures in the unit that each is of; a row has ``identity``, and who made it to metric to value.

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

    def summary(self, who: str, seed: int) -> dict[str, Any]:
        """Means with intervals over identities of all figures of one maker, see :func:`summarise`."""
        figures: dict[str, Any] = {}
        for rows in (self.clips, self.starts, self.identities):
            figures |= summarise(rows, who, [row["identity"] for row in rows], seed)
        return figures


def add(row: Row, who: str, **figures: float | None) -> None:
    """Puts figures of a maker into a row; NaN becomes None, what could not be measured."""
    known = {name: None if value is None or value != value else float(value) for name, value in figures.items()}
    row.setdefault(who, {}).update(known)
