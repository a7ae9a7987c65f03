"""Chooses the part of a picture of any size that a network sees, and the size of the frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinema.core.checks import InputError
from kinema.video import crop, resize

Box = tuple[int, int, int, int]
CropMode = Literal["auto", "none"] | Box

# In smaller pictures keypoints cannot be found.
MIN_SIDE = 8


@dataclass(frozen=True)
class Framing:
    """Which part of a picture a network sees, and at which size.

    Attributes:
        box: (x, y, width, height) in pixels of the picture.
        size: (height, width) of the frames.
    """

    box: Box
    size: tuple[int, int]

    def apply(self, image: np.ndarray) -> np.ndarray:
        """The part of a uint8 (H, W, 3) picture as a uint8 (height, width, 3) frame."""
        whole = (0, 0, image.shape[1], image.shape[0])
        part = image if self.box == whole else crop(image, self.box)
        return part if part.shape[:2] == self.size else resize(part, self.size)


def parse_crop(text: str) -> CropMode:
    """Parses the value of ``--crop``.

    Raises:
        InputError: it is neither "auto", "none" nor four whole numbers.
    """
    if text in ("auto", "none"):
        return text  # type: ignore[return-value]
    parts = text.split(",")
    if len(parts) == 4 and all(re.fullmatch(r"-?[0-9]+", part.strip()) for part in parts):
        x, y, width, height = (int(part) for part in parts)
        return x, y, width, height
    raise InputError(f"--crop {text}: expected auto, none, or X,Y,WIDTH,HEIGHT in whole pixels, such as 40,0,360,360")


def driving_crop(crop: CropMode) -> CropMode:
    """The crop for the driving clip if the source is cropped by ``crop``: a window in pixels fits only its picture."""
    return "none" if crop == "none" else "auto"


def whole_frame(picture: tuple[int, int], native: tuple[int, int], divisor: int) -> Framing:
    """The whole picture in its aspect ratio, at about as many pixels as the network's training frames.

    Args:
        picture: (height, width) of the picture.
        native: (height, width) of the network's training frames.
        divisor: both sides of a frame must be multiples of this.

    Returns:
        A framing whose sides are rounded to multiples, so that the picture is stretched by a few percent at most,
        unless one side is much longer than the other.

    Raises:
        InputError: the picture is too small.
    """
    height, width = _checked(picture)
    scale = (native[0] * native[1] / (height * width)) ** 0.5
    sides = tuple(max(divisor, round(side * scale / divisor) * divisor) for side in (height, width))
    return Framing((0, 0, width, height), (sides[0], sides[1]))


def centred_window(picture: tuple[int, int], native: tuple[int, int], centre: tuple[float, float]) -> Framing:
    """The largest window of the native aspect ratio around a point, moved inside the picture.

    Args:
        picture: (height, width) of the picture.
        native: (height, width) of the network's training frames.
        centre: (x, y) in [-1, 1] of the whole picture.

    Raises:
        InputError: the picture is too small.
    """
    height, width = _checked(picture)
    scale = min(height / native[0], width / native[1])
    box_height, box_width = round(native[0] * scale), round(native[1] * scale)
    x = (centre[0] + 1) / 2 * (width - 1) - box_width / 2
    y = (centre[1] + 1) / 2 * (height - 1) - box_height / 2
    left = int(min(max(round(x), 0), width - box_width))
    top = int(min(max(round(y), 0), height - box_height))
    return Framing((left, top, box_width, box_height), native)


def given_window(picture: tuple[int, int], native: tuple[int, int], box: Box) -> Framing:
    """A window chosen by the user.

    Raises:
        InputError: it does not lie inside the picture, or is too small.
    """
    height, width = picture
    x, y, box_width, box_height = box
    inside = x >= 0 and y >= 0 and x + box_width <= width and y + box_height <= height
    if not inside or min(box_width, box_height) < MIN_SIDE:
        raise InputError(
            f"crop {x},{y},{box_width},{box_height} (x, y, width, height) does not fit the picture of {width}x{height} "
            f"(width x height); give a window inside it of at least {MIN_SIDE} pixels a side"
        )
    return Framing(box, native)


def _checked(picture: tuple[int, int]) -> tuple[int, int]:
    if min(picture) < MIN_SIDE:
        raise InputError(
            f"a picture of {picture[1]}x{picture[0]} pixels (width x height) is too small; "
            f"give one of at least {MIN_SIDE} pixels a side"
        )
    return picture
