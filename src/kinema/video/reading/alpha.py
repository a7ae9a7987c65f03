"""Transparent pixels in, opaque pixels over a chosen colour out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinema.video.info import Color, Image


def composite(rgba: NDArray[np.uint8], background: Color) -> Image:
    """Lays straight (not premultiplied) colour over a plain background.

    Args:
        rgba: (H, W, 4) uint8, alpha last, 255 opaque.
        background: (red, green, blue) in 0..255.

    Returns:
        (H, W, 3) uint8, rounded to nearest.
    """
    alpha = rgba[..., 3:].astype(np.uint16)
    under = np.array(background, dtype=np.uint16)
    # 255 * 255 + 127 still fits 16 bits, so no wider and slower type is needed.
    return ((rgba[..., :3] * alpha + under * (255 - alpha) + 127) // 255).astype(np.uint8)
