"""The stages joined: a neutral frame and a label -> codes -> frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.sequences.code_sequence import CodeSequence
from kinema.synthesis.frame_codes import FrameDecoder, FrameEncoder
from kinema.systems.expression_gan.config import ExpressionGanConfig


class ExpressionGanModel(nn.Module):
    """Encoder, decoder (the paper's generator) and the recurrent network between them."""

    def __init__(self, config: ExpressionGanConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = FrameEncoder(config.image)
        self.generator = FrameDecoder(config.image)
        self.sequence = CodeSequence(config.sequence)

    def codes(self, source: Tensor, label: Tensor, length: int) -> Tensor:
        """Codes (B, T, d) of T frames, that of the neutral source (B, 3, H, W) first; label (B,)."""
        start = self.encoder(source)[0]
        return torch.cat([start[:, None], self.sequence(start, label, length - 1)], dim=1)

    def forward(self, source: Tensor, label: Tensor, length: int) -> Tensor:
        """A video of a face.

        Args:
            source: (B, 3, H, W) neutral frames in [0, 1].
            label: (B,) int64.
            length: T, frames, the redrawn neutral one included.

        Returns:
            (B, T, 3, H, W) in [0, 1].
        """
        codes = self.codes(source, label, length)
        frames = self.generator(codes.flatten(0, 1), (source.shape[2], source.shape[3]))
        return frames.unflatten(0, codes.shape[:2])
