"""Composes a frame from three sources: newly drawn pixels, pixels moved from the last frame, and pixels of the first.

This is not part of CADDY, in which every frame has to pass through a state of an eighth of its sides: there, small
objects that rarely move lost their colour. Mixing drawn pixels with copies follows Finn et al. (NeurIPS 2016, Sec. 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.leaky_conv import SLOPE
from kinema.core.types import TensorGroup
from kinema.ops.grid import identity_grid
from kinema.ops.warp import warp

_WIDTH = 16


@dataclass(frozen=True)
class SeenFrames(TensorGroup):
    """Frames from which a new frame may copy pixels.

    Attributes:
        first: (B, 3, H, W) RGB in [0, 1], the first frame of the game or clip.
        last: (B, 3, H, W), the current frame.
    """

    first: Tensor
    last: Tensor


class FrameComposer(nn.Module):
    """Predicts for each pixel the weights of the three sources, which sum to 1."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.move = nn.Conv2d(features, 2, 3, padding=1)
        self.look = nn.Conv2d(features + 9, _WIDTH, 3, padding=1)
        self.share = nn.Conv2d(_WIDTH, 3, 3, padding=1)
        # Training starts without motion: the last frame is copied as it is.
        nn.init.zeros_(self.move.weight)
        assert self.move.bias is not None
        nn.init.zeros_(self.move.bias)

    def forward(self, features: Tensor, drawn: Tensor, seen: SeenFrames) -> Tensor:
        """Composes the frame.

        Args:
            features: (B, C, H, W), from which the frame was drawn.
            drawn: (B, 3, H, W) RGB in [0, 1].
            seen: frames of the same size.

        Returns:
            (B, 3, H, W) RGB in [0, 1].
        """
        height, width = drawn.shape[2:]
        pixels = self.move(features).movedim(1, -1)  # (B, H, W, 2), backward, in pixels
        grid = identity_grid((height, width), device=pixels.device, dtype=pixels.dtype)
        grid = grid + 2 * pixels / pixels.new_tensor((width - 1, height - 1))
        moved = warp(seen.last.to(grid.dtype), grid, padding="border")
        sources = torch.stack([drawn, moved.to(drawn.dtype), seen.first.to(drawn.dtype)], dim=1)  # (B, 3, 3, H, W)
        looked = F.leaky_relu(self.look(torch.cat([features, 2 * sources.flatten(1, 2) - 1], dim=1)), SLOPE)
        weights = torch.softmax(self.share(looked), dim=1)  # (B, 3, H, W)
        return (weights.unsqueeze(2) * sources).sum(dim=1)
