"""Enter pictures of the robot of ``kinema data robot``, true or made, of any size; leaves where its hand is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.metrics.object_position import Box

# Green over red of the orange band above the hand (0.42 / 0.90), how far it may be off, and the most blue over red.
_GREEN, _GREEN_OFF, _BLUE = 0.467, 0.15, 0.35
# Pictures are measured as if they were 64 wide. The band is about 6 wide there and fills 4.7 to 9.2 pixels' worth.
_WIDTH, _REACH, _LEAST_MASS = 64, 5.0, 1.5


def find_hand(frames: Tensor, box: Box | None = None) -> Tensor:
    """The middle of the hand's orange band, from its colour, which no other thing in the scene has.

    In true clips of 64x64 it follows the hand's true place, seen in perspective, to 0.2 pixels on average.

    Args:
        frames: (B, T, 3, H, W) in [0, 1], the square picture at any size.
        box: where the whole picture lies; None: it fills the frames.

    Returns:
        (B, T, 2) (x, y) in pixels of a picture 64 wide, 0 the centre of the first; not a number where no band is seen.
    """
    height, width = frames.shape[-2:]
    red, green, blue = frames.flatten(0, 1).unbind(dim=1)  # (B * T, H, W) each
    least = red.clamp_min(1e-3)
    match = (1 - (green / least - _GREEN).abs() / _GREEN_OFF).clamp(0, 1) * (1 - blue / least / _BLUE).clamp(0, 1) * red
    left, top, right, bottom = (0, 0, width, height) if box is None else box
    scale, scale_y = _WIDTH / (right - left), _WIDTH / (bottom - top)
    columns = (torch.arange(width, device=red.device, dtype=red.dtype) + 0.5 - left) * scale - 0.5
    rows = (torch.arange(height, device=red.device, dtype=red.dtype) + 0.5 - top) * scale_y - 0.5
    # The place that has most of the colour around it; edges of other things may have a little.
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
