"""A made picture of a window -> the whole picture with it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from kinema.framing.pixels import to_frames, to_images
from kinema.ops.warp import resize_map
from kinema.people.window import PersonWindow
from kinema.video import resize


def paste(window: PersonWindow, picture: np.ndarray, made: np.ndarray, share: Tensor) -> np.ndarray:
    """A picture with a made one laid over it.

    Args:
        window: in the picture.
        picture: uint8 (H, W, 3).
        made: uint8 (h, w, 3) that fills the window, of any size.
        share: (1, 1, h', w') in [0, 1], of the made one, of any size.

    Returns:
        uint8 (H, W, 3), a copy; outside the window the picture's very pixels.
    """
    x, y, width, height = window.box
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + height, picture.shape[0]), min(x + width, picture.shape[1])
    result = picture.copy()
    if bottom <= top or right <= left:
        return result
    seen = (slice(top - y, bottom - y), slice(left - x, right - x))
    over = to_frames(resize(made, (height, width))[seen])
    alpha = spread(window, share)[..., seen[0], seen[1]]
    result[top:bottom, left:right] = to_images(torch.lerp(to_frames(picture[top:bottom, left:right]), over, alpha))[0]
    return result


def place(window: PersonWindow, share: Tensor, picture: tuple[int, int]) -> Tensor:
    """A map (1, 1, h, w) of the window as one of the whole (height, width) picture, 0 outside the window."""
    x, y, width, height = window.box
    whole = share.new_zeros(1, 1, *picture)
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + height, picture[0]), min(x + width, picture[1])
    if bottom > top and right > left:
        shares = spread(window, share)
        whole[..., top:bottom, left:right] = shares[..., top - y : bottom - y, left - x : right - x]
    return whole


def spread(window: PersonWindow, share: Tensor) -> Tensor:
    """A map (1, 1, h, w) in [0, 1] at the window's size."""
    return resize_map(share.float().cpu(), window.size).clamp(0, 1)
