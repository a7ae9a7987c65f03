"""Removes a person from a photo and fills the hole from its surroundings."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.framing.pixels import to_frames, to_images
from kinema.ops.push_pull import fill_holes
from kinema.ops.warp import resize_map
from kinema.people.paste import place
from kinema.people.window import PersonWindow
from kinema.video import resize

# As a fraction of the window's height: how far around the person the background is replaced, and the fade of its edge.
HOLE_MARGIN = 1 / 24


# The matte is soft: below FAINT it counts as 0, above CLEAR as 1; faint values would tint the background.
FAINT, CLEAR = 0.3, 0.7
# Longest side, in pixels, of the copy in which the hole is filled.
FILL_SIDE = 384


def remove_person(photo: np.ndarray, window: PersonWindow, where: Tensor) -> np.ndarray:
    """Removes the person in a window from the photo; the surroundings are interpolated over the place.

    Args:
        photo: uint8 (H, W, 3).
        window: where the person is.
        where: (1, 1, h, w) matte of the person in the window, in [0, 1].

    Returns:
        uint8 (H, W, 3).
    """
    size = (photo.shape[0], photo.shape[1])
    x, y, width, height = window.box
    # The region extends by the size of the window: pixels further away do not affect the hole.
    top, bottom = max(0, y - height // 2), min(size[0], y + height + height // 2)
    left, right = max(0, x - width), min(size[1], x + 2 * width)
    person = place(window, (where > FAINT).float(), size)[..., top:bottom, left:right]
    if person.numel() == 0:
        return photo  # the window lies outside
    # The filling is smooth, so a small copy of the region is enough.
    scale = min(1.0, FILL_SIDE / max(person.shape[2:]))
    small = (max(1, round(person.shape[2] * scale)), max(1, round(person.shape[3] * scale)))
    margin = max(1, round(HOLE_MARGIN * height * scale))
    hole = (F.interpolate(person, small, mode="area") > 0).float()
    hole = F.max_pool2d(hole, 2 * margin + 1, stride=1, padding=margin)
    if hole.min() > 0:
        return photo  # nothing around the person to fill from
    fade = margin // 2
    softened = F.avg_pool2d(F.pad(hole, [fade] * 4, mode="replicate"), 2 * fade + 1, stride=1)
    region = photo[top:bottom, left:right]
    filled = fill_holes(to_frames(resize(region, small)), (hole == 0).float())
    spread, alpha = (resize_map(maps, (region.shape[0], region.shape[1])) for maps in (filled, softened.maximum(hole)))
    result = photo.copy()
    result[top:bottom, left:right] = to_images(torch.lerp(to_frames(region), spread, alpha.clamp(0, 1)))[0]
    return result
