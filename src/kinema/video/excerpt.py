"""Selects a part of a clip: by start and end time, number of frames and frame stride."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from kinema.core.checks import InputError
from kinema.video.info import Frame, VideoInfo
from kinema.video.reading.read import VideoReader, open_video


@dataclass(frozen=True)
class Excerpt:
    """Which frames of a clip are used.

    Attributes:
        start_seconds: the first frame is the first one shown at or after this time.
        end_seconds: frames shown at this time or later are not used; None: no end.
        max_frames: use only this many frames after the start, before the stride applies; None: all.
        frame_stride: use every n-th of these frames, beginning with the first.
    """

    start_seconds: Fraction = Fraction(0)
    end_seconds: Fraction | None = None
    max_frames: int | None = None
    frame_stride: int = 1

    def __post_init__(self) -> None:
        if self.end_seconds is not None and self.end_seconds <= self.start_seconds:
            raise InputError(
                f"end {float(self.end_seconds):g} s is not after the start, {float(self.start_seconds):g} s; "
                "give a later end"
            )

    @property
    def is_whole(self) -> bool:
        """Whether every frame is used."""
        return self == Excerpt()

    def count(self, info: VideoInfo) -> int | None:
        """How many frames will be used, if the clip states its number of frames and no times are set; else None."""
        if self.start_seconds > 0 or self.end_seconds is not None or info.num_frames is None:
            return None
        frames = info.num_frames if self.max_frames is None else min(info.num_frames, self.max_frames)
        return -(-frames // self.frame_stride)

    def frames(self, reader: VideoReader) -> Iterator[Frame]:
        """The selected frames of a reader that :meth:`open` has opened."""
        for number, frame in enumerate(reader):
            if self.max_frames is not None and number >= self.max_frames:
                return
            if self.end_seconds is not None and frame.time_seconds >= self.end_seconds:
                return
            if number % self.frame_stride == 0:
                yield frame

    def open(self, path: Path) -> VideoReader:
        """Opens the clip at the start time.

        Raises:
            InputError: the clip cannot be read; while iterating, the start lies past its last frame.
        """
        return open_video(path, start_seconds=self.start_seconds)
