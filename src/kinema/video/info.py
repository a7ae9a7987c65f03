"""What reading a video gives: a description of the clip, its frames with exact times, and the limits on their size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinema.core.checks import InputError

Image = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB in [0, 255]."""

Color = tuple[int, int, int]
"""(red, green, blue), each in 0..255."""

MAX_SIDE = 8192
"""Longest side read or written, in pixels: one RGB frame of that size is 192 MiB."""

DEFAULT_FRAME_RATE = Fraction(25)
"""Frames a second of what states none: a still, a folder of frames, a stream without a rate."""

SLOWEST_RATE, FASTEST_RATE = Fraction(1, 86_400), Fraction(1000)
"""Frames a second that a person may ask for: from one a day to one a millisecond."""

_FRAME_RATE = re.compile(r"[0-9]{1,12}(/[0-9]{1,12}|(\.[0-9]{0,12})?(e[+-]?[0-9]{1,2})?)", re.IGNORECASE)
_SHOWN_LETTERS = 40


class DamagedVideoWarning(UserWarning):
    """A clip is damaged or cut short; the frames that could be read are used."""


@dataclass(frozen=True)
class VideoInfo:
    """What a clip is, known once its first frame is decoded.

    Attributes:
        path: the file or folder as it was given.
        height: of the frames as given to the caller, in pixels, after rotation and with square pixels.
        width: as height.
        frame_rate: average frames a second; a clip of variable rate is described by its frames' times.
        duration_seconds: what the file states, or None.
        num_frames: what the file states, or None; a damaged or trimmed file may give fewer.
        has_audio: whether a sound stream is present.
        codec: FFmpeg's name of the coding, such as "h264".
    """

    path: Path
    height: int
    width: int
    frame_rate: Fraction
    duration_seconds: float | None
    num_frames: int | None
    has_audio: bool
    codec: str


@dataclass(frozen=True)
class Frame:
    """One picture of a clip and its moment.

    Attributes:
        image: (H, W, 3) uint8 RGB in [0, 255].
        time_seconds: exact time at which it is shown, counted from the clip's first frame.
        index: its number among the frames that this reader gives, from 0.
    """

    image: Image
    time_seconds: Fraction
    index: int


class Clip(Protocol):
    """A source of frames: a container, an animated image, or a folder."""

    info: VideoInfo

    def frames(self, start_seconds: Fraction) -> Iterator[tuple[Image, Fraction]]:
        """Images and their times, from the first one at or after ``start_seconds``; can be called once."""
        ...

    def close(self) -> None:
        """Frees files and decoders; frames end."""
        ...


def parse_frame_rate(text: str) -> Fraction:
    """A frame rate that a person wrote.

    Raises:
        InputError: it is no number from 1/86400 to 1000.

    >>> parse_frame_rate("30000/1001")
    Fraction(30000, 1001)
    """
    rate = Fraction(0)
    # Fraction would compute 1e999999999 to its last digit.
    if _FRAME_RATE.fullmatch(text.strip()):
        try:
            rate = Fraction(text)
        except ZeroDivisionError:
            pass
    if not SLOWEST_RATE <= rate <= FASTEST_RATE:
        shown = text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}..."
        raise InputError(
            f"frame rate '{shown}': expected a number above 0 and up to {FASTEST_RATE}, such as 25 or 30000/1001"
        )
    return rate


def parse_seconds(text: str) -> Fraction:
    """A moment in a clip that a person wrote.

    Raises:
        InputError: it is no number from 0 to a year of seconds.

    >>> parse_seconds("1.5"), parse_seconds("1001/30000")
    (Fraction(3, 2), Fraction(1001, 30000))
    """
    # Digits are bounded before the number is made: 1e300000000 would be computed exactly.
    if re.fullmatch(r"\d{1,9}(\.\d{1,12})?|\d{1,12}/[1-9]\d{0,11}", text) and Fraction(text) <= 366 * 86_400:
        return Fraction(text)
    raise InputError(f"'{text}': expected seconds from 0 on, such as 1.5")


def check_size(path: Path, *, height: int, width: int) -> None:
    """Refuses frames with a side of zero or above ``MAX_SIDE``.

    Raises:
        InputError: names the size found and the limit.
    """
    if height < 1 or width < 1:
        raise InputError(f"{path}: its frames have no size ({height}x{width}, height x width); give another file")
    if max(height, width) > MAX_SIDE:
        raise InputError(
            f"{path}: frames of {height}x{width} (height x width) are too large, sides up to {MAX_SIDE} pixels are "
            f"accepted; make them smaller first"
        )


def check_background(background: Color) -> None:
    """Refuses what is no colour.

    Raises:
        InputError: not three integers in 0..255.
    """
    if len(background) != 3 or any(not 0 <= channel <= 255 for channel in background):
        raise InputError(f"background {background} is no colour; give red, green, blue, each in 0..255")


def check_exists(path: Path) -> None:
    """Refuses a path that is missing, an empty file, or something that is no file and no folder.

    Raises:
        InputError: says which.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    if path.is_dir():
        return
    if not path.is_file():
        raise InputError(f"{path}: is a device or a pipe; give a file or a folder of frames")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); copy or download it again")
