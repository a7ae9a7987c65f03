"""Reads clips in any container that FFmpeg knows, including GIF and APNG, as upright RGB with exact times.

Sides are stretched so that pixels are square. Interlaced material is not deinterlaced and HDR is not tone-mapped.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from kinema.core.checks import InputError
from kinema.video.info import Color, DamagedVideoWarning, Image, VideoInfo, check_size
from kinema.video.reading.alpha import composite
from kinema.video.reading.orientation import UPRIGHT, Turn, apply_turn, turn_from_angle, turn_from_matrix
from kinema.video.reading.stream import alpha_decoder, has_alpha, open_input, video_stream
from kinema.video.reading.timing import LONGEST_STAND_SECONDS, read_timing

# swscale's default is a fast method with errors of up to 2 of 255; this takes 13 ms instead of 1 ms at 1920x1080.
CONVERSION = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)

_UNSPECIFIED_COLORSPACE = 2
_HD_LINES = 720
# MPEG program streams state the times of some frames only; after a seek the times of others are half a frame off.
_READ_THROUGH = {"mpeg"}
# The decoders of these codecs give a colour profile a name, which PyAV 18 frees with the side data and FFmpeg again.
_NAMED_SIDE_DATA = {"png", "apng"}
_SEEK_MARGINS_SECONDS = (0, 1, 10)


class ContainerClip:
    """Reads the frames of a container, decoding them one by one."""

    def __init__(self, path: Path, background: Color) -> None:
        self._path = path
        self._background = background
        self._reformatter = VideoReformatter()
        self._skipped_packets = 0
        self._broken_off = ""
        self._open()
        try:
            self._first = self._first_frame()
            self._origin = _ticks(self._first)
            self._turn = _turn_of(self._first, self._stream.codec_context.name)
            self._height, self._width = self._square_size(self._first)
            self.info = self._describe()
        except BaseException:
            self.close()
            raise

    def frames(self, start_seconds: Fraction) -> Iterator[tuple[Image, Fraction]]:
        """Images and times from ``start_seconds`` on.

        Damaged packets are skipped, and a truncated file ends where it is cut; both give a ``DamagedVideoWarning``
        after the last frame, if the format allows to detect it. A time that does not increase is replaced by the time
        one frame after the previous one.

        Raises:
            InputError: the time between two frames is more than a day.
        """
        decoded = self._seek(start_seconds) if start_seconds > 0 else self._with_first(self._first)
        step = 1 / self.info.frame_rate
        previous: Fraction | None = None
        for frame in decoded:
            time = self._time(frame)
            if previous is not None and (time is None or time <= previous):
                time = previous + step
            time = Fraction(0) if time is None else time
            self._check_gap(time, previous)
            previous = time
            if time >= start_seconds:
                yield self._to_rgb(frame), time
        self._warn_of_damage()

    def _check_gap(self, time: Fraction, previous: Fraction | None) -> None:
        if previous is not None and time - previous > LONGEST_STAND_SECONDS:
            raise InputError(
                f"{self._path}: its times jump by {float(time - previous) / 86_400:.1f} days at {float(previous):g} s, "
                f"at most one is accepted; cut the file there or give its frames new times"
            )

    @property
    def origin_seconds(self) -> Fraction | None:
        """The time of the first decoded frame in the file, which ``frames`` counts as 0; None if it has none."""
        return None if self._origin is None else self._origin * self._tick(self._first)

    def close(self) -> None:
        """Closes the file and the decoder."""
        self._container.close()

    def _open(self) -> None:
        self._container = open_input(self._path)
        try:
            self._stream = video_stream(self._container, self._path)
            context = self._stream.codec_context
            if context is None:
                raise InputError(f"{self._path}: its video coding is not known to FFmpeg; convert it to H.264 first")
            if context.width and context.height:
                check_size(self._path, height=context.height, width=context.width)
            self._decoder = alpha_decoder(self._stream) or context
            # With frame threads, which frames of a damaged file are decoded would depend on their timing.
            self._decoder.thread_type = "SLICE"
        except BaseException:
            self._container.close()
            raise
        self._decoded = self._decode()

    def _decode(self) -> Iterator[VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self._broken_off = error.strerror or "unreadable"
                packet = None
            try:
                # A packet without data, or None, makes the decoder return the frames that it still holds.
                frames = self._decoder.decode(packet)
            except FFmpegError:
                self._skipped_packets += packet is not None and packet.size > 0
                frames = []
            yield from (frame for frame in frames if not frame.is_corrupt)  # type: ignore[misc]
            if packet is None or packet.size == 0:
                return

    def _first_frame(self) -> VideoFrame:
        first = next(self._decoded, None)
        if first is None:
            raise InputError(
                f"{self._path}: no frame in it can be decoded; it is empty or damaged, copy or download it again"
            )
        check_size(self._path, height=first.height, width=first.width)
        return first

    def _with_first(self, first: VideoFrame) -> Iterator[VideoFrame]:
        yield first
        yield from self._decoded

    def _seek(self, start_seconds: Fraction) -> Iterator[VideoFrame]:
        """Decoded frames from a key frame at or before ``start_seconds``, or from the first if seeking fails."""
        seekable = self._origin is not None and self._container.format.name not in _READ_THROUGH
        for margin in _SEEK_MARGINS_SECONDS if seekable else ():
            target = start_seconds - margin
            if self._origin is None or target <= 0:
                break
            try:
                offset = math.floor(target / self._tick(self._first))
                self._container.seek(self._origin + offset, stream=self._stream, backward=True)
                self._decoder.flush_buffers()
            except FFmpegError:
                break
            self._decoded = self._decode()
            frame = next(self._decoded, None)
            time = None if frame is None else self._time(frame)
            # Some formats seek by decoding time, and may find a key frame that is shown only after the wanted time.
            if frame is not None and time is not None and time <= start_seconds:
                return self._with_first(frame)
        self._container.close()
        self._skipped_packets, self._broken_off = 0, ""
        self._open()
        return self._decoded

    def _time(self, frame: VideoFrame) -> Fraction | None:
        ticks = _ticks(frame)
        return None if ticks is None or self._origin is None else (ticks - self._origin) * self._tick(frame)

    def _tick(self, frame: VideoFrame) -> Fraction:
        time_base = frame.time_base or self._stream.time_base
        assert time_base is not None, "FFmpeg gives every stream a time base"
        return Fraction(time_base)

    def _square_size(self, frame: VideoFrame) -> tuple[int, int]:
        """(height, width) as stored, width stretched by the sample aspect ratio."""
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        width = max(1, round(frame.width * aspect))
        check_size(self._path, height=frame.height, width=width)
        return frame.height, width

    def _to_rgb(self, frame: VideoFrame) -> Image:
        """Upright RGB at the size of the first frame; frames of another size are scaled to it."""
        alpha = has_alpha(frame.format.name)
        untagged_hd = frame.colorspace == _UNSPECIFIED_COLORSPACE and frame.height >= _HD_LINES
        converted = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="rgba" if alpha else "rgb24",
            # As in players: untagged HD is BT.709; all other untagged video is BT.601, swscale's default.
            src_colorspace=Colorspace.ITU709 if untagged_hd else None,
            dst_color_range=ColorRange.JPEG,
            interpolation=CONVERSION,
            threads=1,
        )
        pixels = np.asarray(converted.to_ndarray(), dtype=np.uint8)  # (H, W, 3 or 4)
        return apply_turn(composite(pixels, self._background) if alpha else pixels, self._turn)

    def _describe(self) -> VideoInfo:
        stream = self._stream
        timing = read_timing(self._path, self._container, stream)
        height, width = (self._width, self._height) if self._turn[0] else (self._height, self._width)
        return VideoInfo(
            path=self._path,
            height=height,
            width=width,
            frame_rate=timing.frame_rate,
            duration_seconds=timing.duration_seconds,
            num_frames=timing.num_frames,
            has_audio=bool(self._container.streams.audio),
            codec=stream.codec_context.name,
        )

    def _index_reaches_past_the_end(self) -> bool:
        """Whether the frame index refers to bytes beyond the end of the file: FFmpeg stops there without an error."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return False  # the file was removed after it was opened; its frames could be read all the same
        return any(entry.pos + entry.size > size for entry in self._stream.index_entries)

    def _warn_of_damage(self) -> None:
        if self._index_reaches_past_the_end():
            what = "the file is cut short"
        elif self._broken_off:
            what = f"the file breaks off ({self._broken_off})"
        elif self._skipped_packets:
            what = f"{self._skipped_packets} of its packets are damaged"
        else:
            return
        warnings.warn(f"{self._path}: {what}; the frames that could be read are used", DamagedVideoWarning, 3)


def _ticks(frame: VideoFrame) -> int | None:
    # In formats that store only decoding times, such as AVI, pts is empty.
    return frame.pts if frame.pts is not None else frame.dts


def _turn_of(frame: VideoFrame, codec: str) -> Turn:
    if codec in _NAMED_SIDE_DATA:
        return turn_from_angle(frame.rotation)
    try:
        side_data: Any = frame.side_data  # PyAV's annotation names string keys only
    except ValueError:
        # PyAV 18 fails on side data that it has no name for, such as EXIF; it reads the angle differently.
        return turn_from_angle(frame.rotation)
    if SideDataType.DISPLAYMATRIX in side_data:
        return turn_from_matrix(bytes(side_data[SideDataType.DISPLAYMATRIX]))
    return UPRIGHT
