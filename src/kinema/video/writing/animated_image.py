"""Writes frames into animated GIF and WebP files."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av.filter
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from kinema.video.info import Image
from kinema.video.webp_chunks import add_xmp, set_total_duration
from kinema.video.writing.muxed_file import MuxedFile
from kinema.video.writing.one_picture import xmp_packet

_MIN_DELAY = 2
_GIF_BLOCK, _GIF_END = 255, b"\x3b"


class GifSink(MuxedFile):
    """Writes a GIF with a dithered palette for each frame, which repeats for ever.

    Times are rounded to 1/100 s. A frame that would come less than 2/100 s after the previous one is left out, since
    players slow such frames down to 10 per second: GIF can show at most 50 frames per second.
    """

    def __init__(self, target: Path, temporary: Path, size: tuple[int, int], frame_rate: Fraction) -> None:
        super().__init__(target, temporary, "gif", {"loop": "0"})
        self._time_base = Fraction(1, 100)
        self._stream = self._container.add_stream("gif", rate=frame_rate, time_base=self._time_base)
        self._stream.height, self._stream.width = size
        self._stream.pix_fmt = "pal8"
        self._graph = av.filter.Graph()
        height, width = size
        source = self._graph.add_buffer(
            width=width, height=height, format=VideoFormat("rgb24"), time_base=self._time_base
        )
        split = self._graph.add("split")
        palette = self._graph.add("palettegen", "stats_mode=single")
        apply = self._graph.add("paletteuse", "new=1:dither=sierra2_4a")
        drain = self._graph.add("buffersink")
        source.link_to(split)
        split.link_to(palette, 0, 0)
        split.link_to(apply, 1, 0)
        palette.link_to(apply, 0, 1)
        apply.link_to(drain)
        self._graph.configure()
        self._last_slot: int | None = None
        self._comment: str | None = None

    def describe(self, comment: str) -> None:
        """Keeps the comment, which FFmpeg would not write into a GIF."""
        self._comment = comment

    def write(self, image: Image, time: Fraction, duration: Fraction) -> None:
        """Encodes a frame."""
        slot = round(time / self._time_base)
        if self._last_slot is not None and slot - self._last_slot < _MIN_DELAY:
            return
        self._last_slot = slot
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.time_base = self._time_base
        frame.pts = slot
        self._graph.push(frame)
        self._encode(self._graph.pull(), time, duration)  # type: ignore[arg-type]

    def finish(self) -> None:
        """Closes the file and puts the comment before its end."""
        super().finish()
        if self._comment is not None:
            add_gif_comment(self._temporary, self._comment)


class WebpSink(MuxedFile):
    """Writes an animated WebP, which repeats for ever; times are rounded to 1/1000 s. The file is held in memory."""

    def __init__(
        self, target: Path, temporary: Path, size: tuple[int, int], frame_rate: Fraction, *, quality: int
    ) -> None:
        super().__init__(target, temporary, "webp", {"loop": "0"})
        self._time_base = Fraction(1, 1000)
        options = {"quality": str(quality)}
        self._stream = self._container.add_stream(
            "libwebp_anim", rate=frame_rate, options=options, time_base=self._time_base
        )
        self._stream.height, self._stream.width = size
        self._stream.pix_fmt = "bgra"
        self._end = Fraction(0)
        self._comment: str | None = None

    def describe(self, comment: str) -> None:
        """Keeps the comment, which FFmpeg would not write into a WebP."""
        self._comment = comment

    def write(self, image: Image, time: Fraction, duration: Fraction) -> None:
        """Encodes a frame."""
        self._end = time + duration
        given = VideoFrame.from_ndarray(image, format="rgb24" if image.shape[2] == 3 else "rgba")
        self._encode(given.reformat(format="bgra"), time, duration)

    def finish(self) -> None:
        """Closes the file and sets the duration of the last frame, for which libwebp takes the mean of the others."""
        super().finish()
        set_total_duration(self._temporary, self._end)
        if self._comment is not None:
            add_xmp(self._temporary, xmp_packet(self._comment))


def add_gif_comment(path: Path, comment: str) -> None:
    """Puts a comment (section 24 of the GIF89a specification) before the end of a GIF."""
    text = comment.encode()
    blocks = b"".join(
        bytes([len(part)]) + part
        for part in (text[begin : begin + _GIF_BLOCK] for begin in range(0, len(text), _GIF_BLOCK))
    )
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x21\xfe" + blocks + b"\x00" + _GIF_END)
