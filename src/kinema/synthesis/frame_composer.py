"""What is drawn and what was seen -> the frame, each pixel drawn, moved from the last frame or kept from the first.

Not of CADDY, whose frames pass through a state of an eighth of their sides each step: what is small and rarely moves
lost its colour with the first. Mixing with copies is Finn et al.'s (NeurIPS 2016, Sec. 3).
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
    """Frames that a new one may take pixels from.

    Attributes:
        first: (B, 3, H, W) RGB in [0, 1], where the game or clip began.
        last: (B, 3, H, W), the present one.
    """

    first: Tensor
    last: Tensor


class FrameComposer(nn.Module):
    """For each pixel the shares of three sources, which sum to 1."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.move = nn.Conv2d(features, 2, 3, padding=1)
        self.look = nn.Conv2d(features + 9, _WIDTH, 3, padding=1)
        self.share = nn.Conv2d(_WIDTH, 3, 3, padding=1)
        # At first nothing moves: the last frame as it is.
        nn.init.zeros_(self.move.weight)
        assert self.move.bias is not None
        nn.init.zeros_(self.move.bias)

    def forward(self, features: Tensor, drawn: Tensor, seen: SeenFrames) -> Tensor:
        """The frame.

        Args:
            features: (B, C, H, W), what it is drawn from.
            drawn: (B, 3, H, W) RGB in [0, 1].
            seen: of the same size.

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
        shares = torch.softmax(self.share(looked), dim=1)  # (B, 3, H, W)
        return (shares.unsqueeze(2) * sources).sum(dim=1)
