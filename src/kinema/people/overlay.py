"""Draws joints over a uint8 picture, as lines and dots."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image as pil
from PIL import ImageDraw

from kinema.people.skeleton import LIMBS, joint_indices
from kinema.video.info import Image

_BONES = (
    *(joint_indices("neck", name) for name in ("nose", "right_shoulder", "left_shoulder", "right_hip", "left_hip")),
    *(joint_indices("nose", name) for name in ("right_eye", "left_eye")),
    *(joint_indices(f"{side}_eye", f"{side}_ear") for side in ("right", "left")),
    *LIMBS,
)
# Width of the lines as a fraction of the longer side of the joints' bounding box.
_LINE_SHARE = 1 / 60


def draw_skeleton(image: Image, points: NDArray[np.floating], present: NDArray[np.bool_]) -> Image:
    """Draws the bones between joints that are present, right and left in different colours.

    Args:
        image: (H, W, 3) uint8.
        points: (18, 2) points (x, y) in pixels, 0 the centre of the first, in the order of ``kinema.people.skeleton``.
        present: (18,), False where a joint is missing.

    Returns:
        (H, W, 3) uint8, a new picture; equal to ``image`` if no joint is present.
    """
    drawn = pil.fromarray(image)
    if not present.any():
        return image.copy()
    pen = ImageDraw.Draw(drawn)
    width = max(1, round(float(np.ptp(points[present], axis=0).max()) * _LINE_SHARE))
    for number, (start, end) in enumerate(_BONES):
        if present[start] and present[end]:
            colour = tuple(round(255 * level) for level in colorsys.hsv_to_rgb(number / len(_BONES), 1, 1))
            pen.line([tuple(points[start]), tuple(points[end])], fill=colour, width=width)
    for x, y in points[present]:
        pen.ellipse([x - width, y - width, x + width, y + width], fill=(255, 255, 255), outline=(0, 0, 0))
    return np.array(drawn)
