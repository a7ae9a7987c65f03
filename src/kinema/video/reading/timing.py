"""Finds the frame rate, number of frames and duration of a video: from its header or, if unreliable, by measuring."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.container
from av.error import FFmpegError
from av.video.stream import VideoStream

from kinema.video.info import DEFAULT_FRAME_RATE
from kinema.video.reading.stream import open_input, video_stream

LONGEST_STAND_SECONDS = 86_400
"""How long one picture may be shown. Animated images state 18 hours at most; longer times are damaged ones."""

_EXACT_AVERAGE = {"gif", "apng"}
_LIKELY_RATES = (Fraction(1, 60), Fraction(1000))
_FASTEST_RATE = 10**6
_LARGEST_NUMBER = 2**31 - 1
_AGREEMENT = Fraction(1, 20)
# Eleven minutes at 30 frames per second; reading this many packets without decoding takes tenths of a second.
_MEASURED_PACKETS = 20_000
_MEASURED_BYTES = 2**28


@dataclass(frozen=True)
class Timing:
    """Frames per second (above 0), number of frames and duration; the last two are None if unknown."""

    frame_rate: Fraction
    num_frames: int | None
    duration_seconds: float | None


def read_timing(path: Path, container: av.container.InputContainer, stream: VideoStream) -> Timing:
    """Reads the timing from the header where that is reliable, else from the packets, without decoding them.

    If the file has a table of frames, its average rate is exact. Otherwise FFmpeg averages over the first frames, whose
    times may be rounded to milliseconds, and guesses the intended rate. If the two differ much, the guess is wrong:
    recordings of browsers state no rate, often no length either, and FFmpeg guesses a thousand frames per second.

    Args:
        path: of the file, opened once more if its packets must be read.
        container: the same file, opened.
        stream: whose frames are counted.
    """
    duration = None
    if stream.duration and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    elif container.duration:
        duration = container.duration / av.time_base
    rate = _stated_rate(container, stream)
    if rate is not None and (stream.frames or duration):
        timing = Timing(rate, stream.frames or None, duration)
    else:
        measured = _measure(path)
        rate = rate or measured.frame_rate or stream.guessed_rate or stream.average_rate or DEFAULT_FRAME_RATE
        timing = Timing(Fraction(rate), stream.frames or measured.num_frames, duration or measured.duration_seconds)
    return _believable(timing, path.stat().st_size)


def _stated_rate(container: av.container.InputContainer, stream: VideoStream) -> Fraction | None:
    average, guess = stream.average_rate, stream.guessed_rate
    if average and container.format.name in _EXACT_AVERAGE:
        return Fraction(average)
    if not stream.frames and not (average and guess and abs(average / guess - 1) <= _AGREEMENT):
        return None
    rate = average if stream.frames else guess
    return Fraction(rate) if rate and _LIKELY_RATES[0] <= rate <= _LIKELY_RATES[1] else None


@dataclass(frozen=True)
class _Measured:
    frame_rate: Fraction | None
    num_frames: int | None
    duration_seconds: float | None


def _measure(path: Path) -> _Measured:
    """Measures the timing from the frames' times; number and duration only if the file could be read to its end."""
    times: set[Fraction] = set()
    count = size = 0
    ended = False
    try:
        with open_input(path) as container:
            for packet in container.demux(video_stream(container, path)):
                ticks = packet.pts if packet.pts is not None else packet.dts
                if ticks is not None and packet.time_base and packet.size:
                    times.add(ticks * Fraction(packet.time_base))
                count, size = count + bool(packet.size), size + packet.size
                if count >= _MEASURED_PACKETS or size >= _MEASURED_BYTES:
                    break
            else:
                ended = True
    except FFmpegError:
        pass  # the frames before the damage are measured
    span = max(times) - min(times) if times else Fraction(0)
    rate = (len(times) - 1) / span if span else None
    if not ended or rate is None:
        return _Measured(rate, None, None)
    return _Measured(rate, count, float(span + 1 / rate))


def _believable(timing: Timing, file_bytes: int) -> Timing:
    """Limits numbers to those that containers can hold, and drops counts of more frames than the file has bytes."""
    count, duration = timing.num_frames, timing.duration_seconds
    if count is not None and count > file_bytes:
        count = None
    if duration and duration > LONGEST_STAND_SECONDS and duration * timing.frame_rate > file_bytes:
        duration = None
    rate = min(timing.frame_rate, Fraction(_FASTEST_RATE))
    if max(rate.numerator, rate.denominator) > _LARGEST_NUMBER:
        rate = max(rate.limit_denominator(_FASTEST_RATE), Fraction(1, _FASTEST_RATE))
    return Timing(rate, count, duration)
