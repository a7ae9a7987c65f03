"""A stream of frames -> small groups of them: enough at once to keep two cores busy, few enough to hold."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from kinema.video.info import Frame

BATCH_FRAMES = 4


def frame_groups(reader: Iterable[Frame]) -> Iterator[list[Frame]]:
    """The frames in order, at most ``BATCH_FRAMES`` at a time; nothing else is held."""
    frames = iter(reader)
    while group := list(itertools.islice(frames, BATCH_FRAMES)):
        yield group
