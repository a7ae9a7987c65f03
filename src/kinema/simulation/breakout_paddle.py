"""Finds the paddle in true or generated pictures of Atari Breakout of any size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.metrics.object_position import Box

# In the clips of `kinema data breakout`: size, rows of the paddle, field between the side walls, colour of the paddle.
_HEIGHT, _WIDTH = 208, 160
_ROWS, _FIELD = (189, 192), (8, 152)
_COLOR = (200 / 255, 72 / 255, 72 / 255)
# The ball, 2 wide, has the paddle's colour; the paddle is 16 or 8 wide.
_LEAST_WIDTH = 4.0


def find_paddle(frames: Tensor, box: Box | None = None) -> Tensor:
    """Finds the paddle's centre by its colour in its rows, without a network.

    The centre is that of the visible part: at the right wall up to half of the paddle is hidden, and the result is then
    up to 4 pixels left of the position in the console's memory. A ball that touches the paddle counts as a part of it.
    Otherwise the result in true frames agrees with the memory: exactly at full size, to 0.25 pixels on average at
    112x80.

    Args:
        frames: (B, T, 3, H, W) in [0, 1], the picture of 160x208 at any size.
        box: edges of the whole picture in the frames; None: it fills the frames.

    Returns:
        (B, T, 1) x in pixels of the original, which is 160 wide, 0 the centre of its first column; NaN if no paddle is
        visible.
    """
    height, width = frames.shape[-2:]
    left, top, right, bottom = (0, 0, width, height) if box is None else box
    scale = _WIDTH / (right - left)
    columns = (torch.arange(width + 1, dtype=torch.float64) - left) * scale  # edges, in pixels of the original
    rows = _covered((torch.arange(height + 1, dtype=torch.float64) - top) * _HEIGHT / (bottom - top), _ROWS).to(frames)
    # In a smaller picture a row may show only a part of the paddle, on black: the colour is found by least squares.
    line = (frames * rows[:, None]).sum(dim=3) / rows.square().sum()  # (B, T, 3, W)
    color = frames.new_tensor(_COLOR)[:, None]
    match = 1 - (line - color).norm(dim=2) / color.norm()  # (B, T, W); 1 for the colour, 0 for black
    match = match.clamp(0, 1) * (_covered(columns, _FIELD) > 0.99).to(frames)
    seen = F.max_pool1d(_longest_run(match > 0.5).to(match), 3, stride=1, padding=1)
    weights = match * seen  # including the columns at its ends, which it fills only partly
    places = ((columns[1:] + columns[:-1] - 1) / 2).to(frames)
    mass = weights.sum(dim=2)
    centre = (weights * places).sum(dim=2) / mass
    return torch.where(mass * scale < _LEAST_WIDTH, torch.nan, centre).unsqueeze(2)


def _covered(edges: Tensor, part: tuple[int, int]) -> Tensor:
    """The fraction (N,) of each of the cells between (N + 1,) edges that is in ``part``."""
    return edges.clamp(*part).diff() / edges.diff()


def _longest_run(on: Tensor) -> Tensor:
    """Keeps only the longest run of true values in each row of (B, T, W) bool, the first of equally long ones."""
    begins = on & ~F.pad(on, (1, 0))[..., :-1]
    labels = begins.cumsum(dim=2) * on  # (B, T, W); 0 outside of runs
    lengths = labels.new_zeros(*labels.shape[:2], labels.shape[2] + 1).scatter_add_(2, labels, on.to(labels.dtype))
    return on & (labels == lengths[..., 1:].argmax(dim=2, keepdim=True) + 1)
