"""Pastes the generated picture of a window into the whole picture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from kinema.framing.pixels import to_frames, to_images
from kinema.ops.warp import resize_map
from kinema.people.window import PersonWindow
from kinema.video import resize


def paste(window: PersonWindow, picture: np.ndarray, generated: np.ndarray, alpha: Tensor) -> np.ndarray:
    """Blends a generated picture over the window of a picture.

    Args:
        window: in the picture.
        picture: uint8 (H, W, 3).
        generated: uint8 (h, w, 3) of any size, which fills the window.
        alpha: (1, 1, h', w') in [0, 1] of any size, of the generated picture.

    Returns:
        uint8 (H, W, 3), a copy; unchanged outside the window.
    """
    x, y, width, height = window.box
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + height, picture.shape[0]), min(x + width, picture.shape[1])
    result = picture.copy()
    if bottom <= top or right <= left:
        return result
    seen = (slice(top - y, bottom - y), slice(left - x, right - x))
    over = to_frames(resize(generated, (height, width))[seen])
    weight = resize_to_window(window, alpha)[..., seen[0], seen[1]]
    result[top:bottom, left:right] = to_images(torch.lerp(to_frames(picture[top:bottom, left:right]), over, weight))[0]
    return result


def place(window: PersonWindow, values: Tensor, picture: tuple[int, int]) -> Tensor:
    """Places a map (1, 1, h, w) of the window in one of the whole (height, width) picture, 0 outside the window."""
    x, y, width, height = window.box
    whole = values.new_zeros(1, 1, *picture)
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + height, picture[0]), min(x + width, picture[1])
    if bottom > top and right > left:
        resized = resize_to_window(window, values)
        whole[..., top:bottom, left:right] = resized[..., top - y : bottom - y, left - x : right - x]
    return whole


def resize_to_window(window: PersonWindow, values: Tensor) -> Tensor:
    """Resizes a map (1, 1, h, w) in [0, 1] to the window's size."""
    return resize_map(values.float().cpu(), window.size).clamp(0, 1)
