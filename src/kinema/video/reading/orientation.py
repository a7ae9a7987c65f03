"""Turns stored pictures upright, as a display matrix or an EXIF orientation says."""

from __future__ import annotations

import struct

import numpy as np

from kinema.video.info import Image

Turn = tuple[bool, bool, bool]
"""(transpose, mirror left-right, mirror top-bottom), applied in that order; all eight orientations are such triples."""

UPRIGHT: Turn = (False, False, False)

_EXIF_TURNS: dict[object, Turn] = {
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


def turn_from_matrix(matrix: bytes) -> Turn:
    """Reads FFmpeg's display matrix: nine 32-bit integers a b u, c d v, x y w, the first two columns in 16.16.

    A stored pixel (x, y) is shown at (a x + c y, b x + d y), y downwards. Angles between the multiples of 90 degrees,
    which no camera writes, are rounded to the nearest.
    """
    a, b, _, c, d, _, _, _, _ = struct.unpack("=9i", matrix[:36])
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def turn_from_angle(degrees: float) -> Turn:
    """The turn by an angle counter-clockwise, rounded to the nearest multiple of 90 degrees."""
    return (UPRIGHT, (True, False, True), (False, True, True), (True, True, False))[round(degrees / 90) % 4]


def turn_from_exif(orientation: object) -> Turn:
    """The turn of EXIF's orientation tag; anything but its eight values means upright."""
    return _EXIF_TURNS.get(orientation, UPRIGHT) if isinstance(orientation, int) else UPRIGHT


def apply_turn(image: Image, turn: Turn) -> Image:
    """The upright picture.

    Args:
        image: (H, W, 3) uint8 as stored.
        turn: from ``turn_from_matrix``.

    Returns:
        (H, W, 3) or (W, H, 3), contiguous.
    """
    transpose, mirror_x, mirror_y = turn
    if transpose:
        image = image.swapaxes(0, 1)  # (W, H, 3)
    if mirror_x:
        image = image[:, ::-1]
    if mirror_y:
        image = image[::-1]
    return np.ascontiguousarray(image)


def stored_view(upright: Image, turn: Turn) -> Image:
    """A view of an upright picture in its stored orientation: pixels written into the view appear turned.

    Args:
        upright: (H, W, 3) uint8.
        turn: the turn that makes the stored picture upright.

    Returns:
        (H, W, 3) or (W, H, 3), a view.
    """
    transpose, mirror_x, mirror_y = turn
    if mirror_y:
        upright = upright[::-1]
    if mirror_x:
        upright = upright[:, ::-1]
    return upright.swapaxes(0, 1) if transpose else upright
