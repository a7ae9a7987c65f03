"""Finds the hand in true or generated pictures of the robot of ``kinema data robot``, of any size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.metrics.object_position import Box

# Green by red of the orange band above the hand (0.42 / 0.90), its tolerance, and the largest blue by red.
_GREEN, _GREEN_OFF, _BLUE = 0.467, 0.15, 0.35
# Pictures are measured as if they were 64 pixels wide: the band is about 6 pixels wide and has an area of 4.7 to 9.2.
_WIDTH, _REACH, _LEAST_MASS = 64, 5.0, 1.5


def find_hand(frames: Tensor, box: Box | None = None) -> Tensor:
    """Finds the centre of the hand's orange band by its colour, which no other object in the scene has.

    In true clips of 64x64 it agrees with the projection of the hand's true position to 0.2 pixels on average.

    Args:
        frames: (B, T, 3, H, W) in [0, 1], the square picture at any size.
        box: edges of the whole picture in the frames; None: it fills the frames.

    Returns:
        (B, T, 2) (x, y) in pixels of a picture 64 wide, 0 the centre of the first pixel; NaN if no band is visible.
    """
    height, width = frames.shape[-2:]
    red, green, blue = frames.flatten(0, 1).unbind(dim=1)  # (B * T, H, W) each
    least = red.clamp_min(1e-3)
    match = (1 - (green / least - _GREEN).abs() / _GREEN_OFF).clamp(0, 1) * (1 - blue / least / _BLUE).clamp(0, 1) * red
    left, top, right, bottom = (0, 0, width, height) if box is None else box
    scale, scale_y = _WIDTH / (right - left), _WIDTH / (bottom - top)
    columns = (torch.arange(width, device=red.device, dtype=red.dtype) + 0.5 - left) * scale - 0.5
    rows = (torch.arange(height, device=red.device, dtype=red.dtype) + 0.5 - top) * scale_y - 0.5
    # The place with most of the colour around it; the edges of other objects may have a little of it.
    side = 2 * round(_REACH / scale / 2) + 1
    dense = F.avg_pool2d(match[:, None], side, stride=1, padding=side // 2)[:, 0]
    best = dense.flatten(1).argmax(dim=1)
    y, x = rows[best // width, None, None], columns[best % width, None, None]
    near = ((rows[:, None] - y).square() + (columns - x).square()).sqrt() <= _REACH
    weights = match * near
    mass = weights.sum(dim=(1, 2))
    centre = torch.stack([(weights * columns).sum(dim=(1, 2)), (weights * rows[:, None]).sum(dim=(1, 2))], dim=1)
    centre = centre / mass[:, None]
    centre = torch.where(mass[:, None] * scale * scale_y < _LEAST_MASS, torch.nan, centre)
    return centre.unflatten(0, frames.shape[:2])
