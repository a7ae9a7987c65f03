"""Composites transparent pixels over a background colour."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kinema.video.info import Color, Image

_STRIP_PIXELS = 2**20


def composite(rgba: NDArray[np.uint8], background: Color) -> Image:
    """Composites colours with straight (not premultiplied) alpha over a plain background.

    Args:
        rgba: (H, W, 4) uint8, alpha last, 255 opaque.
        background: (red, green, blue) in 0..255.

    Returns:
        (H, W, 3) uint8, rounded to nearest.
    """
    under = np.array(background, dtype=np.uint16)
    opaque = np.empty((*rgba.shape[:2], 3), np.uint8)
    # The products need several times six bytes per pixel, so large pictures are processed strip by strip.
    for rows in strips(*rgba.shape[:2]):
        alpha = rgba[rows, :, 3:].astype(np.uint16)
        # 255 * 255 + 127 fits into 16 bits, so no wider and slower type is needed.
        opaque[rows] = (rgba[rows, :, :3] * alpha + under * (255 - alpha) + 127) // 255
    return opaque


def strips(height: int, width: int) -> Iterator[slice]:
    """Slices of rows, top to bottom, each of about a million pixels, so that processing one needs little memory."""
    rows = max(1, _STRIP_PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
