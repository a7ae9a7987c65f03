"""Enters an image of any size; leaves one of the wanted size, its centre cut out, stretched or padded."""

from __future__ import annotations

from typing import Literal

import numpy as np

from kinema.video import resize


def fit_image(
    image: np.ndarray,
    size: tuple[int, int],
    fit: Literal["crop", "stretch", "pad"],
    background: tuple[int, int, int] = (255, 255, 255),
) -> np.ndarray:
    """Brings ``image`` to ``size``.

    Args:
        image: (H, W, 3) uint8 RGB.
        size: wanted height and width in pixels.
        fit: "crop" keeps the largest centred part of the wanted aspect ratio, "stretch" ignores the ratio, "pad"
            keeps everything, centred over ``background``.
        background: RGB, 0 to 255.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    wanted_height, wanted_width = size
    if fit == "pad":
        scale = min(wanted_height / height, wanted_width / width)
        inner_height = min(wanted_height, max(1, round(height * scale)))
        inner_width = min(wanted_width, max(1, round(width * scale)))
        top, left = (wanted_height - inner_height) // 2, (wanted_width - inner_width) // 2
        padded = np.empty((wanted_height, wanted_width, 3), dtype=np.uint8)
        padded[:] = background
        padded[top : top + inner_height, left : left + inner_width] = resize(image, (inner_height, inner_width))
        return padded
    if fit == "crop":
        cut_height = min(height, max(1, round(width * wanted_height / wanted_width)))
        cut_width = min(width, max(1, round(height * wanted_width / wanted_height)))
        top, left = (height - cut_height) // 2, (width - cut_width) // 2
        image = image[top : top + cut_height, left : left + cut_width]
    return image if image.shape[:2] == size else resize(image, size)
