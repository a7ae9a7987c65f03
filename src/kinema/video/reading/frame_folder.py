"""Reads a folder of numbered pictures as a clip of constant frame rate, and refuses a folder of unrelated stills."""

from __future__ import annotations

import itertools
import math
import re
import warnings
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as pil

from kinema.core.checks import InputError
from kinema.video.info import Color, Image, VideoInfo
from kinema.video.reading.still import decode_still, still_size

FRAME_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}

# In a clip, neighbouring frames differ much less than distant ones, or hardly at all. In 26 clips, some of them
# cartoons of 16 frames, neighbours differed by at most 13 of 255 levels or by at most 0.79 of the difference of distant
# frames. In two folders of 102 portraits in one pose it was 22 levels, and 0.97 to 1.03 of the difference of distant
# pictures.
_LEVELS_APART = 14.0
_FRACTION_APART = 0.85
_LOOKED_AT = 8
# In a shorter clip an object may cross the whole picture between frames, so that all frames differ alike: such a folder
# is warned about where it seems to be no clip, and read.
_FEWEST_TO_COMPARE = 8
_THUMBNAIL_PX = 32


class NoClipError(InputError):
    """A folder's pictures are no frames of one clip; each of them may still be of use for itself.

    Attributes:
        folder: that holds them.
    """

    def __init__(self, folder: Path, reason: str) -> None:
        """Takes the folder, and what is wrong with what to do."""
        super().__init__(f"{folder}: {reason}")
        self.folder = folder


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``frame10`` after ``frame9``.

    >>> sorted(["f10.png", "f9.png", "f1.png"], key=natural_key)
    ['f1.png', 'f9.png', 'f10.png']
    """
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def list_frames(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order, without hidden files and other types.

    Raises:
        InputError: there are none.
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
    """Reads the pictures of a folder as frames, one in memory at a time."""

    def __init__(self, folder: Path, background: Color, frame_rate: Fraction, *, stills: bool = False) -> None:
        """Checks names and sizes of the pictures, and compares some of them.

        Args:
            folder: of pictures.
            background: shown through transparent pixels.
            frame_rate: frames per second.
            stills: accept pictures that are not frames of one clip; they must still have one size.

        Raises:
            InputError: there are no pictures, one is damaged, or they are not a clip.
        """
        if frame_rate <= 0:
            raise InputError(f"{folder}: a folder's frame rate of {frame_rate} is refused; give more than 0 a second")
        self._files = list_frames(folder)
        self._background = background
        stamps = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in self._files)
        height, width = _checked_size(folder, stamps, not stills)
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
        """Does nothing, since no file is kept open."""


# A command may open the same clip several times; its pictures need to be checked only once.
@lru_cache(maxsize=8)
def _checked_size(folder: Path, stamps: tuple[tuple[Path, int, int], ...], one_clip: bool) -> tuple[int, int]:
    """(height, width) of all pictures; for a clip, also checks that they are numbered and similar to the next one."""
    files = [file for file, _, _ in stamps]
    if one_clip:
        _check_names(folder, files)
    size = _common_size(folder, files)
    if one_clip:
        _check_motion(folder, files)
    return size


def _check_names(folder: Path, files: list[Path]) -> None:
    forms: dict[str, Path] = {}
    for file in files:
        forms.setdefault(re.sub(r"\d+", "0", file.stem.lower()), file)
    if len(files) > 1 and (len(forms) > 1 or "0" not in next(iter(forms))):
        names = " and ".join(file.name for file in list(forms.values() if len(forms) > 1 else files)[:2])
        raise NoClipError(
            folder,
            f"its {len(files)} pictures are no clip, for they are not numbered alike ({names}); "
            f"give a video, or number the frames of one clip as 00001.png, 00002.png ...",
        )


def _check_motion(folder: Path, files: list[Path]) -> None:
    """Refuses pictures of which neighbours differ as much as any two; only warns where there are too few to compare."""
    if len(files) < 2:
        return
    firsts = sorted({round(place) for place in np.linspace(0, len(files) - 2, _LOOKED_AT)})
    seen = {number: _thumbnail(files[number]) for first in firsts for number in (first, first + 1)}
    near = float(np.median([_difference(seen[first], seen[first + 1]) for first in firsts]))
    if len(files) < _FEWEST_TO_COMPARE:
        if near > _LEVELS_APART:
            warnings.warn(
                f"{folder}: its {len(files)} pictures are used as one clip, though neighbours differ by {near:.0f} of "
                "255 levels, more than frames of most clips do; if they are unrelated, give each of them for itself",
                stacklevel=2,
            )
        return
    apart = [(one, other) for one, other in itertools.combinations(sorted(seen), 2) if other > one + 1]
    far = float(np.median([_difference(seen[one], seen[other]) for one, other in apart]))
    if near > _LEVELS_APART and near > _FRACTION_APART * far:
        raise NoClipError(
            folder,
            f"its {len(files)} pictures are no clip, for neighbours differ by {near:.0f} of 255 levels and "
            f"pictures far apart by {far:.0f}; give a video, or the frames of one clip in their order",
        )


def _thumbnail(file: Path) -> np.ndarray:
    """(32, 32, 3) float, each value the mean of an area."""
    picture = pil.fromarray(decode_still(file, (255, 255, 255)))
    small = picture.resize((_THUMBNAIL_PX, _THUMBNAIL_PX), pil.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance in levels of 255."""
    return float(np.abs(one - other).mean())


def _common_size(folder: Path, files: list[Path]) -> tuple[int, int]:
    """(height, width) of all files, from their headers, so that a different size is found before any work is done."""
    size = still_size(files[0])
    for file in files[1:]:
        other = still_size(file)
        if other != size:
            raise NoClipError(
                folder,
                f"its {len(files)} pictures are no clip, for they differ in size: {files[0].name} is "
                f"{size[0]}x{size[1]} and {file.name} is {other[0]}x{other[1]} (height x width); make them equal",
            )
    return size
