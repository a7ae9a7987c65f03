"""Fits images of any size to a wanted size by cutting out the centre, stretching or padding."""

from __future__ import annotations

from typing import Literal

import numpy as np

from kinema.video import resize

Fit = Literal["crop", "stretch", "pad"]


def fit_image(
    image: np.ndarray,
    size: tuple[int, int],
    fit: Fit,
    background: tuple[int, int, int] = (255, 255, 255),
) -> np.ndarray:
    """Resizes ``image`` to ``size``.

    Args:
        image: (H, W, 3) uint8 RGB.
        size: wanted height and width in pixels.
        fit: "crop" keeps the largest centred part of the wanted aspect ratio, "stretch" ignores the ratio, "pad"
            keeps everything, centred over ``background``.
        background: RGB, 0 to 255.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    if fit == "pad":
        top, left, inner_height, inner_width = _padded_box(image.shape[:2], size)
        padded = np.empty((*size, 3), dtype=np.uint8)
        padded[:] = background
        padded[top : top + inner_height, left : left + inner_width] = resize(image, (inner_height, inner_width))
        return padded
    if fit == "crop":
        top, left, cut_height, cut_width = _cut_box(image.shape[:2], size)
        image = image[top : top + cut_height, left : left + cut_width]
    return image if image.shape[:2] == size else resize(image, size)


def fit_points(points: np.ndarray, picture: tuple[int, int], size: tuple[int, int], fit: Fit) -> np.ndarray:
    """Maps points of a picture to where they are after :func:`fit_image`.

    Args:
        points: (N, 2) points (x, y) in pixels, 0 the centre of the first.
        picture: height and width before.
        size: wanted height and width.
        fit: as in :func:`fit_image`.

    Returns:
        (N, 2) float64, outside the frame where the picture was cut.

    >>> fit_points(np.array([[0, 0], [3, 3]]), (4, 4), (8, 16), "pad").tolist()
    [[4.5, 0.5], [10.5, 6.5]]
    """
    cut, inner = _boxes(picture, size, fit)
    scale = np.array([inner[3] / cut[3], inner[2] / cut[2]])
    from_corner = np.asarray(points, dtype=np.float64) + 0.5 - [cut[1], cut[0]]
    return from_corner * scale - 0.5 + [inner[1], inner[0]]


def fit_mask(mask: np.ndarray, size: tuple[int, int], fit: Fit) -> np.ndarray:
    """Fits a mask as :func:`fit_image` fits its picture, by nearest neighbours.

    Args:
        mask: (H, W) bool.
        size: wanted height and width in pixels.
        fit: as in :func:`fit_image`.

    Returns:
        (height, width) bool, False in the padding.
    """
    cut, inner = _boxes((mask.shape[0], mask.shape[1]), size, fit)
    rows, columns = (
        cut[axis] + np.floor((np.arange(inner[axis + 2]) + 0.5) * cut[axis + 2] / inner[axis + 2]).astype(int)
        for axis in (0, 1)
    )
    fitted = np.zeros(size, dtype=bool)
    fitted[inner[0] : inner[0] + inner[2], inner[1] : inner[1] + inner[3]] = mask[rows[:, None], columns]
    return fitted


def _boxes(
    picture: tuple[int, int], size: tuple[int, int], fit: Fit
) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    """Top, left, height and width of the part of a picture that is kept, and of its place in the frame."""
    if fit == "pad":
        return (0, 0, *picture), _padded_box(picture, size)
    return _cut_box(picture, size) if fit == "crop" else (0, 0, *picture), (0, 0, *size)


def _padded_box(picture: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Top, left, height and width of a padded picture inside the frame."""
    scale = min(size[0] / picture[0], size[1] / picture[1])
    height, width = (min(wanted, max(1, round(side * scale))) for side, wanted in zip(picture[:2], size, strict=True))
    return (size[0] - height) // 2, (size[1] - width) // 2, height, width


def _cut_box(picture: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the part of the picture that is kept."""
    height = min(picture[0], max(1, round(picture[1] * size[0] / size[1])))
    width = min(picture[1], max(1, round(picture[0] * size[1] / size[0])))
    return (picture[0] - height) // 2, (picture[1] - width) // 2, height, width
