"""Finds the first frames of the shots of a clip."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from pydantic import Field

from kinema.core.config import Config

# FFmpeg's score is the smaller of two numbers: the difference of a frame from the previous one, and the change of this
# difference. At the second frame there is no earlier difference, so its score says nothing if objects move at once.
FIRST_SCORED = 2


class ShotConfig(Config):
    """What counts as a cut."""

    cut_threshold: float | None = Field(
        default=0.15,
        gt=0,
        le=1,
        description="a frame whose scene score (FFmpeg's, 0 to 1) is higher begins a shot; none: clips have no cuts",
    )


def find_shots(frames: np.ndarray, config: ShotConfig) -> tuple[int, ...]:
    """The first frame of every shot of a clip, by the scene score of FFmpeg's filter ``select``.

    Args:
        frames: (T, H, W, 3) uint8 RGB, T at least 1; read one by one.
        config: what counts as a cut.

    Returns:
        Increasing numbers, the first one 0.

    >>> dark, bright = np.zeros((4, 16, 16, 3), np.uint8), np.full((3, 16, 16, 3), 200, np.uint8)
    >>> find_shots(np.concatenate([dark, bright, dark]), ShotConfig())
    (0, 4, 7)
    """
    if config.cut_threshold is None:
        return (0,)
    graph = Graph()
    graph.threads = 1  # more do not speed up the filter, and starting them takes as long as ten frames
    height, width = frames.shape[1:3]
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1))
    chosen = graph.add("select", f"gt(scene\\,{config.cut_threshold})")
    graph.link_nodes(source, chosen, graph.add("buffersink")).configure()
    cuts = []
    for index, image in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts, frame.time_base = index, Fraction(1)
        graph.push(frame)
        try:
            graph.pull()
        except av.BlockingIOError:
            continue  # the frame was not selected
        if index >= FIRST_SCORED:
            cuts.append(index)
    return (0, *cuts)
