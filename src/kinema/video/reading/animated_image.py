"""Reads stills, animated WebP and animated AVIF as clips, by Pillow.

FFmpeg 8 has no decoder for animated WebP and loses the alpha of AVIF.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from PIL import Image as pil

from kinema.core.checks import InputError
from kinema.video.info import DEFAULT_FRAME_RATE, Color, Image, VideoInfo
from kinema.video.reading.still import DAMAGE, count_pictures, open_still, to_rgb
from kinema.video.reading.stream import packet_durations
from kinema.video.webp_chunks import read_durations

STILL_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".avif", ".tga", ".ppm", ".jp2"}

_ANIMATED = {"WEBP", "AVIF"}
_AVIF_BRANDS = {b"avif", b"avis"}
_GIF_MARKS = {b"GIF87a", b"GIF89a"}

# The mark of an APNG comes before its pixels, but a colour profile may come before the mark.
_HEAD_BYTES = 2**20


def is_pillow_clip(path: Path) -> bool:
    """Whether this reader should open the file: WebP and AVIF by their first bytes, other stills by suffix.

    GIF and APNG, which FFmpeg reads as animations, are left to FFmpeg whatever their suffix.
    """
    with open(path, "rb") as file:
        start = file.read(12)
        if start[:4] == b"RIFF" and start[8:] == b"WEBP":
            return True
        if start[4:8] == b"ftyp" and start[8:] in _AVIF_BRANDS:
            return True
        if path.suffix.lower() not in STILL_SUFFIXES or start[:6] in _GIF_MARKS:
            return False
        before_pixels = file.read(_HEAD_BYTES).partition(b"IDAT")[0]
    return b"acTL" not in before_pixels


class PillowClip:
    """Reads an animated WebP or AVIF, or a still as one frame; refuses other files of several pictures.

    Pillow keeps the compressed file in memory, and one decoded frame at a time.
    """

    def __init__(self, path: Path, background: Color) -> None:
        self._path = path
        self._background = background
        with ExitStack() as resources:
            self._image = resources.enter_context(open_still(path))
            num_frames = count_pictures(self._image)
            self._durations = _durations(path, self._image, num_frames) if num_frames > 1 else []
            self._animated = num_frames > 1
            first = self._decode(0)
            self._resources = resources.pop_all()
        self.info = self._describe(first)

    def frames(self, start_seconds: Fraction) -> Iterator[tuple[Image, Fraction]]:
        """Images and times from ``start_seconds`` on; earlier ones are decoded too, as each depends on the last."""
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
        if self._animated:
            try:
                self._image.seek(index)
            except DAMAGE as error:
                raise InputError(f"{self._path}: damaged or cut short at frame {index}; save it again") from error
        return to_rgb(self._image, self._background, self._path)

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


def _durations(path: Path, image: pil.Image, num_frames: int) -> list[Fraction]:
    """Seconds that each frame of an animation is shown.

    Raises:
        InputError: the file is damaged, or its format has no durations.
    """
    if image.format not in _ANIMATED:
        raise InputError(
            f"{path}: a {image.format} file of {num_frames} pictures states no times and is no clip; save it as a "
            f"video, an animation (GIF, WebP, AVIF, APNG) or a folder of numbered pictures"
        )
    durations = read_durations(path)[:num_frames] if image.format == "WEBP" else packet_durations(path, num_frames)
    if len(durations) != num_frames:
        raise InputError(f"{path}: the animation is damaged or cut short; save it again")
    return durations
