"""A folder of numbered pictures read as a clip of constant frame rate."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from kinema.core.checks import InputError
from kinema.video.info import Color, Image, VideoInfo
from kinema.video.reading.still import decode_still, still_size

FRAME_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``frame10`` after ``frame9``.

    >>> sorted(["f10.png", "f9.png", "f1.png"], key=natural_key)
    ['f1.png', 'f9.png', 'f10.png']
    """
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def list_frames(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order; hidden files and other types are passed over.

    Raises:
        InputError: there is none.
    """
    found = [
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in FRAME_SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    ]
    if not found:
        accepted = ", ".join(sorted(FRAME_SUFFIXES))
        raise InputError(f"{folder}: the folder holds no frames; put numbered pictures ({accepted}) directly in it")
    return sorted(found, key=lambda entry: (natural_key(entry.name), entry.name))


class FolderClip:
    """Frames of a folder, one in memory at a time."""

    def __init__(self, folder: Path, background: Color, frame_rate: Fraction) -> None:
        if frame_rate <= 0:
            raise InputError(f"{folder}: a folder's frame rate of {frame_rate} is refused; give more than 0 a second")
        self._files = list_frames(folder)
        self._background = background
        height, width = _common_size(folder, self._files)
        self.info = VideoInfo(
            path=folder,
            height=height,
            width=width,
            frame_rate=frame_rate,
            duration_seconds=float(len(self._files) / frame_rate),
            num_frames=len(self._files),
            has_audio=False,
            codec=self._files[0].suffix.lower().lstrip("."),
        )

    def frames(self, start_seconds: Fraction) -> Iterator[tuple[Image, Fraction]]:
        """Images and times index / frame_rate, from ``start_seconds`` on."""
        first = max(0, math.ceil(start_seconds * self.info.frame_rate))
        for index in range(first, len(self._files)):
            yield decode_still(self._files[index], self._background), index / self.info.frame_rate

    def close(self) -> None:
        """Holds nothing open."""


def _common_size(folder: Path, files: list[Path]) -> tuple[int, int]:
    """(height, width) of all files, from their headers, so that a stray size shows before any work is done."""
    size = still_size(files[0])
    for file in files[1:]:
        other = still_size(file)
        if other != size:
            raise InputError(
                f"{folder}: frames differ in size, {files[0].name} is {size[0]}x{size[1]} and {file.name} is "
                f"{other[0]}x{other[1]} (height x width); make them equal"
            )
    return size
