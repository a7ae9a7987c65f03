"""Polygons with sub-pixel corners, in pixels with 0 at the centre of the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinema.core.compiled_imaging import opencv

# OpenCV takes coordinates as whole numbers of 1/16 pixel.
_BITS = 4


def fixed_point(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """(N, 2) points as OpenCV's drawing functions take them with ``shift=4``."""
    return np.round(points * 2**_BITS).astype(np.int32)


def fill_polygon(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """uint8 (h, w): 255 inside a polygon (N, 2), with smooth edges."""
    cv2 = opencv()

    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [fixed_point(points)], 255, cv2.LINE_AA, _BITS)
    return mask


def box_around(points: NDArray[np.float64], margin: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 (the latter not included) of the pixels around points (N, 2), within a picture (H, W, ...)."""
    height, width = shape[:2]
    x0, y0 = np.clip(np.floor(points.min(axis=0) - margin).astype(int), 0, (width, height))
    x1, y1 = np.clip(np.ceil(points.max(axis=0) + margin).astype(int) + 1, 0, (width, height))
    return int(x0), int(y0), int(x1), int(y1)
