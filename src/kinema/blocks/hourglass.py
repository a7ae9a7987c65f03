"""Provides the hourglass: an encoder and decoder with a skip connection at every scale."""

from __future__ import annotations

from torch import Tensor, nn

from kinema.blocks.conv import DownBlock, UpBlock
from kinema.ops.memory_layout import join_channels


class Hourglass(nn.Module):
    """Computes features of the whole frame at its resolution.

    Attributes:
        out_channels: channels of the output, ``block_expansion + in_channels`` since the input is the last skip.
    """

    def __init__(self, in_channels: int, *, block_expansion: int, num_blocks: int, max_features: int) -> None:
        super().__init__()

        def width(level: int) -> int:
            return min(max_features, block_expansion * 2**level)

        self.down_blocks = nn.ModuleList(
            DownBlock(in_channels if level == 0 else width(level), width(level + 1)) for level in range(num_blocks)
        )
        self.up_blocks = nn.ModuleList(
            UpBlock(width(level + 1) * (1 if level == num_blocks - 1 else 2), width(level))
            for level in reversed(range(num_blocks))
        )
        self.out_channels = block_expansion + in_channels

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, H, W); H and W divisible by 2 ** num_blocks."""
        skips = [features]
        for block in self.down_blocks:
            skips.append(block(skips[-1]))
        out = skips.pop()
        for block in self.up_blocks:
            out = join_channels(block(out), skips.pop())
        return out
