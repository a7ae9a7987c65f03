"""Defines what reading a video returns: a description of the clip and frames with exact times; limits their size."""

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
"""Frames per second of clips that state no rate: a still, a folder of frames, a stream without a rate."""

SLOWEST_RATE, FASTEST_RATE = Fraction(1, 86_400), Fraction(1000)
"""Frames per second that a user may choose: from one a day to one a millisecond."""

_FRAME_RATE = re.compile(r"[0-9]{1,12}(/[0-9]{1,12}|(\.[0-9]{0,12})?(e[+-]?[0-9]{1,2})?)", re.IGNORECASE)
_SHOWN_LETTERS = 40


class DamagedVideoWarning(UserWarning):
    """A clip is damaged or cut short; the frames that could be read are used."""


@dataclass(frozen=True)
class VideoInfo:
    """The description of a clip, known after its first frame is decoded.

    Attributes:
        path: the file or folder as it was given.
        height: of the frames as the caller gets them, in pixels, after rotation and with square pixels.
        width: as height.
        frame_rate: average frames per second; if the rate varies, the times of the frames are exact.
        duration_seconds: as the file states it, or None.
        num_frames: as the file states it, or None; a damaged or trimmed file may have fewer.
        has_audio: whether there is a sound stream.
        codec: FFmpeg's name of the codec, such as "h264".
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
    """One picture of a clip and its time.

    Attributes:
        image: (H, W, 3) uint8 RGB in [0, 255].
        time_seconds: exact time at which it is shown, counted from the clip's first frame.
        index: its number among the frames of this reader, from 0.
    """

    image: Image
    time_seconds: Fraction
    index: int


class Clip(Protocol):
    """A source of frames: a container, an animated image, or a folder."""

    info: VideoInfo

    def frames(self, start_seconds: Fraction) -> Iterator[tuple[Image, Fraction]]:
        """Yields images and their times, from the first one at or after ``start_seconds``; can be called only once."""
        ...

    def close(self) -> None:
        """Closes files and decoders; no more frames can be read."""
        ...


def parse_frame_rate(text: str) -> Fraction:
    """Parses a frame rate written by a user.

    Raises:
        InputError: it is not a number from 1/86400 to 1000.

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
    """Parses a time in a clip written by a user.

    Raises:
        InputError: it is not a number from 0 to a year of seconds.

    >>> parse_seconds("1.5"), parse_seconds("1001/30000")
    (Fraction(3, 2), Fraction(1001, 30000))
    """
    # The number of digits is limited before conversion: 1e300000000 would be computed exactly.
    if re.fullmatch(r"\d{1,9}(\.\d{1,12})?|\d{1,12}/[1-9]\d{0,11}", text) and Fraction(text) <= 366 * 86_400:
        return Fraction(text)
    raise InputError(f"'{text}': expected seconds from 0 on, such as 1.5")


def check_size(path: Path, *, height: int, width: int) -> None:
    """Refuses frames with a side of zero or above ``MAX_SIDE``.

    Raises:
        InputError: the message names the size and the limit.
    """
    if height < 1 or width < 1:
        raise InputError(f"{path}: its frames have no size ({height}x{width}, height x width); give another file")
    if max(height, width) > MAX_SIDE:
        raise InputError(
            f"{path}: frames of {height}x{width} (height x width) are too large, sides up to {MAX_SIDE} pixels are "
            f"accepted; make them smaller first"
        )


def check_background(background: Color) -> None:
    """Refuses a value that is not a colour.

    Raises:
        InputError: not three integers in 0..255.
    """
    if len(background) != 3 or any(not 0 <= channel <= 255 for channel in background):
        raise InputError(f"background {background} is no colour; give red, green, blue, each in 0..255")


def check_exists(path: Path) -> None:
    """Refuses a path that does not exist, is an empty file, or is neither a file nor a folder.

    Raises:
        InputError: the message says which.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    if path.is_dir():
        return
    if not path.is_file():
        raise InputError(f"{path}: is a device or a pipe; give a file or a folder of frames")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); copy or download it again")
