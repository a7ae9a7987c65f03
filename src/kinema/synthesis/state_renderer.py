"""Renders the hidden features of the next state as a frame, at three resolutions (CADDY, CVPR 2021, Sec. 3.4, the
decoder)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.leaky_conv import LeakyResBlock, LeakyUpBlock
from kinema.core.config import Config
from kinema.synthesis.frame_composer import FrameComposer, SeenFrames


class StateRendererConfig(Config):
    """Size of the renderer."""

    hidden_features: int = Field(
        default=128,
        ge=4,
        multiple_of=4,
        description="channels of the input; 128 in the paper's main network, 64 in its reduced one",
    )
    copies: bool = Field(
        default=False,
        description="whether pixels may be moved from the last frame or kept from the first",
    )


class StateRenderer(nn.Module):
    """Doubles the resolution three times; after each, a convolution renders a picture."""

    def __init__(self, config: StateRendererConfig) -> None:
        super().__init__()
        self.config = config
        full = config.hidden_features
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(LeakyUpBlock(full, full), LeakyResBlock(full, full)),
                nn.Sequential(LeakyUpBlock(full, full // 2), LeakyResBlock(full // 2, full // 2)),
                nn.Sequential(LeakyUpBlock(full // 2, full // 4)),
            ]
        )
        kernels = ((full, 3), (full // 2, 3), (full // 4, 7))
        self.pictures = nn.ModuleList(nn.Conv2d(width, 3, side, padding=side // 2) for width, side in kernels)
        self.composer = FrameComposer(full // 4) if config.copies else None

    def forward(self, hidden: Tensor, seen: SeenFrames | None = None) -> list[Tensor]:
        """Frames at all resolutions, for training.

        Args:
            hidden: (B, C, h, w).
            seen: frames to copy from, (B, 3, 8 h, 8 w); None draws all pixels.

        Returns:
            RGB in [0, 1], the finest first: (B, 3, 8 h, 8 w), (B, 3, 4 h, 4 w), (B, 3, 2 h, 2 w). If the renderer
            copies pixels and ``seen`` is given, these follow the composed frame, (B, 3, 8 h, 8 w).
        """
        pictures = []
        for block, picture in zip(self.blocks, self.pictures, strict=True):
            hidden = block(hidden)
            pictures.append(_to_frames(picture(hidden)))
        if self.composer is not None and seen is not None:
            pictures.append(self.composer(hidden, pictures[-1], seen))
        return pictures[::-1]

    def finest(self, hidden: Tensor, seen: SeenFrames | None = None) -> Tensor:
        """Only the first of the frames of :meth:`forward`, (B, 3, 8 h, 8 w) in [0, 1], for play."""
        for block in self.blocks:
            hidden = block(hidden)
        drawn = _to_frames(self.pictures[-1](hidden))
        return drawn if self.composer is None or seen is None else self.composer(hidden, drawn, seen)


def _to_frames(values: Tensor) -> Tensor:
    """Maps (B, 3, H, W) of any range to [0, 1] by tanh; the network's own frames are in [-1, 1]."""
    return (torch.tanh(values) + 1) / 2
