"""Encodes a drawing of landmarks as features, which tell a generator what the source does not show: an open mouth."""

from __future__ import annotations

from torch import Tensor, nn

from kinema.blocks.conv import DownBlock, SameBlock


class LandmarkHint(nn.Module):
    """Encodes a drawing to the resolution and width of the features that a generator warps."""

    def __init__(self, num_features: int, *, num_channels: int, num_down_blocks: int) -> None:
        super().__init__()
        self.first = SameBlock(1, num_channels)
        self.down_blocks = nn.Sequential(*(DownBlock(num_channels, num_channels) for _ in range(num_down_blocks)))
        self.final = nn.Conv2d(num_channels, num_features, 3, padding=1)

    def forward(self, drawing: Tensor) -> Tensor:
        """(B, 1, H, W) in [0, 1] to (B, C, h, w), to be added to warped features."""
        return self.final(self.down_blocks(self.first(drawing)))
