"""Arranges uint8 pictures of any sizes beside each other, resizes and crops them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as pil
from PIL import ImageDraw, ImageFont

from kinema.core.checks import InputError
from kinema.video.info import MAX_SIDE, Image

_GAP_PX = 4
_LABEL_PX = 14
_WHITE = 255


def resize(image: Image, size: tuple[int, int]) -> Image:
    """Resizes a picture: by area averaging if both sides shrink, bicubically if a side grows.

    Args:
        image: (H, W, 3) uint8.
        size: (height, width) in pixels.

    Returns:
        (height, width, 3) uint8. The same size gives the same pixels.
    """
    height, width = size
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise InputError(f"cannot resize to {height}x{width} (height x width); give sides from 1 to {MAX_SIDE}")
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    method = pil.Resampling.BOX if shrinks else pil.Resampling.BICUBIC
    return np.array(pil.fromarray(image).resize((width, height), method))


def crop(image: Image, box: tuple[int, int, int, int]) -> Image:
    """A rectangle of the picture.

    Args:
        image: (H, W, 3) uint8.
        box: (x, y, width, height) in pixels, x to the right and y down from the top left corner.

    Returns:
        (height, width, 3) uint8, a copy.

    Raises:
        InputError: the rectangle is empty or reaches outside.
    """
    x, y, width, height = box
    if width < 1 or height < 1 or x < 0 or y < 0 or x + width > image.shape[1] or y + height > image.shape[0]:
        raise InputError(
            f"crop {x},{y},{width},{height} (x, y, width, height) does not lie inside the picture of "
            f"{image.shape[1]}x{image.shape[0]} (width x height); give a smaller or moved one"
        )
    return image[y : y + height, x : x + width].copy()


def side_by_side(images: Sequence[Image]) -> Image:
    """Pictures in a row with white gaps, all scaled to the height of the tallest.

    Args:
        images: at least one (H, W, 3) uint8; sizes may differ.

    Returns:
        (max H, sum of widths + gaps, 3) uint8.
    """
    if not images:
        raise InputError("nothing to put side by side; give at least one picture")
    height = max(image.shape[0] for image in images)
    parts: list[Image] = []
    for image in images:
        if parts:
            parts.append(_blank(height, _GAP_PX))
        parts.append(_to_height(image, height))
    return np.concatenate(parts, axis=1)


def contact_sheet(rows: Sequence[Sequence[Image]], labels: Sequence[str] | None = None) -> Image:
    """Rows of pictures on white, every picture in a cell of the largest one's size.

    Args:
        rows: lists of (H, W, 3) uint8; lengths and sizes may differ.
        labels: a line of text above each row.

    Returns:
        (H', W', 3) uint8.
    """
    images = [image for row in rows for image in row]
    if not images:
        raise InputError("a contact sheet needs at least one picture; give rows of pictures")
    if labels is not None and len(labels) != len(rows):
        raise InputError(f"a contact sheet of {len(rows)} rows got {len(labels)} labels; give one for each row")
    height = max(image.shape[0] for image in images)
    width = max(image.shape[1] for image in images)
    columns = max(len(row) for row in rows)
    head = 0 if labels is None else _LABEL_PX + _GAP_PX
    sheet = _blank(
        len(rows) * (head + height + _GAP_PX) - _GAP_PX,
        columns * (width + _GAP_PX) - _GAP_PX,
    )
    for number, row in enumerate(rows):
        top = number * (head + height + _GAP_PX)
        if labels is not None:
            sheet[top : top + head] = _text_line(labels[number], head, sheet.shape[1])
        for column, image in enumerate(row):
            left = column * (width + _GAP_PX)
            sheet[top + head : top + head + image.shape[0], left : left + image.shape[1]] = image
    return sheet


def _blank(height: int, width: int) -> Image:
    return np.full((height, width, 3), _WHITE, dtype=np.uint8)


def _to_height(image: Image, height: int) -> Image:
    if image.shape[0] == height:
        return image
    return resize(image, (height, max(1, round(image.shape[1] * height / image.shape[0]))))


def _text_line(text: str, height: int, width: int) -> Image:
    canvas = pil.fromarray(_blank(height, width))
    ImageDraw.Draw(canvas).text((2, 0), text, fill=(0, 0, 0), font=ImageFont.load_default(_LABEL_PX))
    return np.array(canvas)
