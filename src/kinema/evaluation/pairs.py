"""Which clip drives which: clips in, pairs of the truth and the driving clip out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Grouped(Protocol):
    """A clip, decoded or not."""

    @property
    def code(self) -> str:
        """Unique in its folder."""
        ...

    @property
    def group(self) -> str | None:
        """What clips of the same motion share, or None."""
        ...


AnyClip = TypeVar("AnyClip", bound=Grouped)


@dataclass(frozen=True)
class Pair(Generic[AnyClip]):
    """A clip to reproduce and the clip that drives."""

    truth: AnyClip
    driving: AnyClip

    @property
    def cluster(self) -> str:
        """What figures are resampled by: looks of one motion are not independent."""
        return self.truth.group or self.truth.code


def own_pairs(clips: Iterable[AnyClip]) -> list[Pair[AnyClip]]:
    """Each clip driven by itself, in the order of their codes."""
    return [Pair(clip, clip) for clip in sorted(clips, key=lambda clip: clip.code)]


def look_pairs(clips: Iterable[AnyClip]) -> list[Pair[AnyClip]]:
    """Each clip driven by the next look of its motion, in the order of groups and codes.

    Returns:
        Nothing of clips without a group, or alone in theirs.
    """
    groups: dict[str, list[AnyClip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.code):
        if clip.group is not None:
            groups[clip.group].append(clip)
    return [
        Pair(look, looks[(index + 1) % len(looks)])
        for _, looks in sorted(groups.items())
        if len(looks) > 1
        for index, look in enumerate(looks)
    ]
