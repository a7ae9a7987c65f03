"""Stills and animated WebP as clips, by Pillow: FFmpeg 8 has no decoder for animated WebP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from PIL import ImageOps

from kinema.core.checks import InputError
from kinema.video.info import DEFAULT_FRAME_RATE, Color, Image, VideoInfo
from kinema.video.reading.still import open_still, to_rgb
from kinema.video.webp_chunks import read_durations

STILL_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".avif", ".tga", ".ppm", ".jp2"}

# The mark of an APNG stands before its pixels, but a colour profile may stand before it.
_HEAD_BYTES = 2**20


def is_pillow_clip(path: Path) -> bool:
    """Whether this reader takes the file: WebP by its first bytes, other stills by suffix unless animated (APNG)."""
    with open(path, "rb") as file:
        start = file.read(12)
        if start[:4] == b"RIFF" and start[8:] == b"WEBP":
            return True
        if path.suffix.lower() not in STILL_SUFFIXES:
            return False
        before_pixels = file.read(_HEAD_BYTES).partition(b"IDAT")[0]
    return b"acTL" not in before_pixels


class PillowClip:
    """Frames of an animated WebP, or the one frame of a still.

    Pillow keeps the compressed file in memory, and one decoded frame at a time.
    """

    def __init__(self, path: Path, background: Color) -> None:
        self._path = path
        self._background = background
        with ExitStack() as resources:
            self._image = resources.enter_context(open_still(path))
            num_frames = getattr(self._image, "n_frames", 1) if self._image.format == "WEBP" else 1
            self._durations = read_durations(path)[:num_frames] if num_frames > 1 else []
            if len(self._durations) != num_frames and num_frames > 1:
                raise InputError(f"{path}: the animation is damaged or cut short; save it again")
            self._animated = num_frames > 1
            first = self._decode(0)
            self._resources = resources.pop_all()
        self.info = self._describe(first)

    def frames(self, start_seconds: Fraction) -> Iterator[tuple[Image, Fraction]]:
        """Images and times from ``start_seconds`` on; those before it are decoded too, each builds on the last."""
        time = Fraction(0)
        for index, duration in enumerate(self._durations or [Fraction(1) / DEFAULT_FRAME_RATE]):
            image = self._decode(index)
            if time >= start_seconds:
                yield image, time
            time += duration

    def close(self) -> None:
        """Closes the file."""
        self._resources.close()

    def _decode(self, index: int) -> Image:
        try:
            if self._animated:
                self._image.seek(index)
                return to_rgb(self._image, self._background, self._path)
            return to_rgb(ImageOps.exif_transpose(self._image), self._background, self._path)
        except (OSError, SyntaxError, EOFError) as error:
            raise InputError(f"{self._path}: damaged or cut short at frame {index}; save it again") from error

    def _describe(self, first: Image) -> VideoInfo:
        total = sum(self._durations, Fraction(0)) or 1 / DEFAULT_FRAME_RATE
        count = len(self._durations) or 1
        return VideoInfo(
            path=self._path,
            height=first.shape[0],
            width=first.shape[1],
            frame_rate=Fraction(count) / total,
            duration_seconds=float(total),
            num_frames=count,
            has_audio=False,
            codec=(self._image.format or "unknown").lower(),
        )
