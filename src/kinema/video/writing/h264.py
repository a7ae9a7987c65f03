"""Writes frames and sound into H.264 files with exact times."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc

from kinema.video.info import Image
from kinema.video.writing.muxed_file import MuxedFile, nominal_rate
from kinema.video.writing.sound import SoundTrack
from kinema.video.writing.yuv import YuvConverter, pad_to_even

VIDEO_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}

_MIN_TIMESCALE = 10_000
_MAX_TIMESCALE = 2**31 - 1
MAX_FRAME_TICKS = 2**30
# Can represent 1/1000, 1/600, 1/12800, 1/15360, 1/24000, 1/48000, 1/90000 ... of a second exactly.
_COMMON_TIMESCALE = 5_760_000


def time_base_for(frame_rate: Fraction, *, constant: bool) -> Fraction:
    """The unit in which a file counts time.

    Args:
        frame_rate: frames per second.
        constant: whether every frame lasts 1 / frame_rate.

    Returns:
        Seconds per tick. At a constant rate, all times are whole ticks. At a variable rate, times in the usual units of
        cameras and containers are whole ticks, and others are rounded to the nearest 1/5760000 s.
    """
    numerator = frame_rate.numerator
    slow = _COMMON_TIMESCALE / frame_rate > MAX_FRAME_TICKS  # fewer than one frame in three minutes
    if (constant or slow) and numerator <= _MAX_TIMESCALE:
        return Fraction(1, numerator * max(1, math.ceil(_MIN_TIMESCALE / numerator)))
    both = math.lcm(numerator, _COMMON_TIMESCALE)
    return Fraction(1, both if both <= _MAX_TIMESCALE else _COMMON_TIMESCALE)


class H264Sink(MuxedFile):
    """Writes H.264 as yuv420p in limited range, tagged as BT.709 from 720 lines on and as BT.601 below.

    Lossless files store exact RGB instead, for data; browsers do not show them. MP4 stores the duration of a frame in
    32 bits, so a frame that is shown for minutes is stored again every three minutes.
    """

    def __init__(
        self,
        target: Path,
        temporary: Path,
        size: tuple[int, int],
        frame_rate: Fraction,
        *,
        constant: bool,
        crf: int,
        preset: str,
        sound: SoundTrack | None,
        lossless: bool = False,
    ) -> None:
        self._time_base = time_base_for(frame_rate, constant=constant)
        container_format = VIDEO_FORMATS[target.suffix.lower()]
        timed = {"movflags": "+faststart", "video_track_timescale": str(self._time_base.denominator)}
        super().__init__(target, temporary, container_format, {} if container_format == "matroska" else timed)
        # With B-frames and a variable rate, the stored durations would differ from the frames' times.
        quality = {"qp": "0"} if lossless else {"crf": str(crf)}
        options = {**quality, "preset": preset, "bf": "0"}
        held = max(frame_rate.numerator, frame_rate.denominator) <= _MAX_TIMESCALE
        rate = frame_rate if held else min(nominal_rate(frame_rate), Fraction(_MAX_TIMESCALE))
        codec = "libx264rgb" if lossless else "libx264"
        self._stream = self._container.add_stream(codec, rate=rate, options=options, time_base=self._time_base)
        self._lossless = lossless
        self._stream.height, self._stream.width = size if lossless else (side + side % 2 for side in size)
        self._stream.pix_fmt = "rgb24" if lossless else "yuv420p"
        context = self._stream.codec_context
        self._converter = YuvConverter(size[0], "yuv420p")
        if lossless:
            context.color_primaries = ColorPrimaries.BT709
            context.color_trc = ColorTrc.BT709
        else:
            self._converter.tag(context)
        self._sound = sound
        if sound is not None:
            sound.attach(self._container, container_format)
        self._end = Fraction(0)

    def write(self, image: Image, time: Fraction, duration: Fraction) -> None:
        """Encodes a frame, and the sound up to it."""
        frame = self._frame(image)
        self._end = time + duration
        longest = MAX_FRAME_TICKS * self._time_base
        while duration > longest:
            self._encode(frame, time, longest)
            time, duration = time + longest, duration - longest
        self._encode(frame, time, duration)
        if self._sound is not None:
            self._sound.feed(time)

    def _frame(self, image: Image) -> VideoFrame:
        if self._lossless:
            return VideoFrame.from_ndarray(image, format="rgb24")
        return self._converter.frame(pad_to_even(image))

    def finish(self) -> None:
        """Encodes the sound up to the end of the last frame and closes the file."""
        if self._sound is not None:
            self._sound.feed(self._end)
            self._sound.finish()
        super().finish()
