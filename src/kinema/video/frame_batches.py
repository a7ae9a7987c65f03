"""Groups a stream of frames into batches large enough to keep two cores busy and small enough for memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from kinema.video.info import Frame

BATCH_FRAMES = 4


def frame_groups(reader: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Yields the frames in order, at most ``BATCH_FRAMES`` at a time, and keeps no others in memory."""
    frames = iter(reader)
    while group := list(itertools.islice(frames, BATCH_FRAMES)):
        yield group
