"""Joins the stages of expression_gan: from a neutral frame and a label to codes, to frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kinema.sequences.code_sequence import CodeSequence
from kinema.synthesis.frame_codes import FrameDecoder, FrameEncoder, NeutralMaps
from kinema.systems.expression_gan.config import ExpressionGanConfig


@dataclass(frozen=True)
class NeutralFace:
    """Encoded neutral frames.

    Attributes:
        size: (height, width) of the frames.
        mean: (B, d) of their codes.
        log_variance: (B, d).
        maps: features of the neutral frames for the decoder, or None.
    """

    size: tuple[int, int]
    mean: Tensor
    log_variance: Tensor
    maps: NeutralMaps | None


class ExpressionGanModel(nn.Module):
    """Encoder, decoder (the paper's generator) and the recurrent network between them."""

    def __init__(self, config: ExpressionGanConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = FrameEncoder(config.image)
        self.generator = FrameDecoder(config.image)
        self.sequence = CodeSequence(config.sequence)

    def encode(self, source: Tensor) -> NeutralFace:
        """What is computed once for (B, 3, H, W) neutral frames in [0, 1]."""
        mean, log_variance, maps = self.encoder.encode_neutral(source)
        return NeutralFace((source.shape[2], source.shape[3]), mean, log_variance, maps)

    def codes(self, start: Tensor, label: Tensor, length: int) -> Tensor:
        """Codes (B, T, d) of T frames, that of the neutral one (B, d) first; label (B,)."""
        return torch.cat([start[:, None], self.sequence(start, label, length - 1)], dim=1)

    def decode(self, codes: Tensor, face: NeutralFace) -> Tensor:
        """(B, T, d) codes of the B faces to frames (B, T, 3, H, W) in [0, 1]."""
        rows, length = codes.shape[:2]
        maps = None if face.maps is None else face.maps.repeat(length)
        return self.generator(codes.flatten(0, 1), face.size, maps).unflatten(0, (rows, length))

    def forward(self, source: Tensor, label: Tensor, length: int) -> Tensor:
        """A video of a face.

        Args:
            source: (B, 3, H, W) neutral frames in [0, 1].
            label: (B,) int64.
            length: T, frames, the redrawn neutral one included.

        Returns:
            (B, T, 3, H, W) in [0, 1].
        """
        face = self.encode(source)
        return self.decode(self.codes(face.mean, label, length), face)
