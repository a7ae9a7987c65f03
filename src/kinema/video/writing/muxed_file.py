"""Defines the interface of the writers of all formats, and the common part of those muxed by FFmpeg."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import av.container
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kinema.core.atomic_output import put_in_place
from kinema.video.info import Image
from kinema.video.writing.sound import SoundTrack

_LARGEST_DENOMINATOR = 1001


def nominal_rate(frame_rate: Fraction) -> Fraction:
    """The frame rate as a fraction of numbers that containers can hold, never 0."""
    return max(frame_rate.limit_denominator(_LARGEST_DENOMINATOR), Fraction(1, _LARGEST_DENOMINATOR))


class Sink(Protocol):
    """Writes frames with times to a temporary output."""

    def write(self, image: Image, time: Fraction, duration: Fraction) -> None:
        """Adds a frame shown from ``time`` for ``duration`` seconds."""
        ...

    def describe(self, comment: str) -> None:
        """Takes, before the first frame, a comment that the file is to carry; kinds without room for one drop it."""
        ...

    def finish(self) -> None:
        """Completes and closes the temporary output."""
        ...

    def put_in_place(self) -> None:
        """Renames the finished temporary output to its target."""
        ...

    def abort(self) -> None:
        """Closes without completing."""
        ...


class MuxedFile:
    """Writes a file that FFmpeg muxes."""

    def __init__(self, target: Path, temporary: Path, container_format: str, options: dict[str, str]) -> None:
        self._target = target
        self._temporary = temporary
        self._container = av.open(f"file:{temporary}", "w", format=container_format, container_options=options)
        self._stream: VideoStream
        self._time_base: Fraction

    def put_in_place(self) -> None:
        """Renames the finished file to its target."""
        put_in_place(self._temporary, self._target)

    def describe(self, comment: str) -> None:
        """Sets the comment of the container; FFmpeg writes it with the first frame."""
        self._container.metadata["comment"] = comment

    def finish(self) -> None:
        """Writes the frames that the encoder still holds and closes the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abort(self) -> None:
        """Closes the file, complete or not."""
        try:
            self._container.close()
        except FFmpegError:
            # The file is removed next, so an error in writing its end does not matter.
            return

    def _encode(self, frame: VideoFrame, time: Fraction, duration: Fraction) -> None:
        frame.time_base = self._time_base
        frame.pts = round(time / self._time_base)
        frame.duration = round(duration / self._time_base)
        self._container.mux(self._stream.encode(frame))


class SoundedFile(MuxedFile):
    """Writes a file that FFmpeg muxes, with pictures and sound.

    If the format requires it, a frame that is shown for more than ``_longest`` seconds is stored again. Of several
    frames on the same tick of the format, the first is kept.
    """

    def __init__(
        self, target: Path, temporary: Path, container_format: str, options: dict[str, str], sound: SoundTrack | None
    ) -> None:
        super().__init__(target, temporary, container_format, options)
        self._format = container_format
        self._sound = sound
        self._longest = Fraction(2**40)
        self._last_tick = -1
        self._end = Fraction(0)

    def _attach_sound(self) -> None:
        """Adds the stream of the sound after that of the pictures, since players show the first stream of a file."""
        if self._sound is not None:
            self._sound.attach(self._container, self._format)

    def _frame(self, image: Image) -> VideoFrame:
        raise NotImplementedError

    def write(self, image: Image, time: Fraction, duration: Fraction) -> None:
        """Encodes a frame, and the sound up to it."""
        self._end = time + duration
        tick = round(time / self._time_base)
        if tick <= self._last_tick:
            return
        self._last_tick = tick
        frame = self._frame(image)
        while duration > self._longest:
            self._encode(frame, time, self._longest)
            time, duration = time + self._longest, duration - self._longest
        self._encode(frame, time, max(duration, self._time_base))
        if self._sound is not None:
            self._sound.feed(time)

    def finish(self) -> None:
        """Encodes the sound up to the end of the last frame and closes the file."""
        if self._sound is not None:
            self._sound.feed(self._end)
            self._sound.finish()
        super().finish()
