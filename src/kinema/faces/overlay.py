"""Draws the 68 landmarks of a face over a uint8 picture, as lines and dots."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as pil
from PIL import ImageDraw

from kinema.faces.landmarks import LINES
from kinema.video.info import Image

_BORDER, _LINE, _DOT = (0, 0, 0), (0, 255, 170), (255, 255, 255)
# Width of the lines as a fraction of the longer side of the points' bounding box.
_LINE_SHARE, _MIN_WIDTH_PX = 1 / 160, 0.8
# Factor by which the drawing is enlarged and shrunk again, for smooth edges. Faces with at least half of this side look
# smooth without it.
_SMOOTHING, _SMOOTH_SIDE_PX = 4, 2048


def draw_face(image: Image, points: NDArray[np.floating]) -> Image:
    """The picture with the lines of a face and a dot on each landmark, bright with a dark border.

    Args:
        image: (H, W, 3) uint8.
        points: (68, 2) points (x, y) in pixels, 0 the centre of the first; NaN where there is no face.

    Returns:
        (H, W, 3) uint8, a new picture; equal to ``image`` if there is no face or it lies outside.
    """
    drawn = image.copy()
    if not np.isfinite(points).all():
        return drawn
    side = float(np.ptp(points, axis=0).max())
    width = max(_MIN_WIDTH_PX, side * _LINE_SHARE)
    low, high = points.min(axis=0) - 4 * width - 2, points.max(axis=0) + 4 * width + 3
    left, top = (max(0, math.floor(value)) for value in low)
    right, bottom = (min(limit, math.ceil(value)) for limit, value in zip(image.shape[1::-1], high, strict=True))
    if right <= left or bottom <= top:
        return drawn
    factor = max(1, min(_SMOOTHING, _SMOOTH_SIDE_PX // max(right - left, bottom - top)))
    layer = pil.new("RGBA", ((right - left) * factor, (bottom - top) * factor))
    _draw(ImageDraw.Draw(layer), (points - (left, top) + 0.5) * factor - 0.5, width * factor)
    if factor > 1:
        layer = layer.resize((right - left, bottom - top), pil.Resampling.BOX)
    area = pil.fromarray(drawn[top:bottom, left:right])
    area.paste(layer, mask=layer.getchannel("A"))
    drawn[top:bottom, left:right] = np.array(area)
    return drawn


def _draw(pen: ImageDraw.ImageDraw, points: NDArray[np.floating], width: float) -> None:
    border = 0.6 * width
    # First the dark borders of all lines, which otherwise would cross bright lines that are drawn already.
    for colour, thickness in ((_BORDER, width + 2 * border), (_LINE, width)):
        for line in LINES:
            pen.line(
                [tuple(points[index]) for index in line], fill=colour, width=max(1, round(thickness)), joint="curve"
            )
    radius = 1.2 * width
    for colour, reach in ((_BORDER, radius + border), (_DOT, radius)):
        for x, y in points:
            pen.ellipse([x - reach, y - reach, x + reach, y + reach], fill=colour)
