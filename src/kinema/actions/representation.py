"""Encodes an observation as a state with an attention map (CADDY, CVPR 2021, Sec. 3.2, the encoder E)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.leaky_conv import SLOPE, LeakyResBlock, conv_and_halve
from kinema.blocks.norm import BatchNorm2d
from kinema.core.config import Config
from kinema.core.types import TensorGroup

DOWNSCALE = 8
"""By how much the sides of a frame are larger than those of its state."""


class RepresentationConfig(Config):
    """Size of the encoder of observations."""

    stack: int = Field(default=1, ge=1, description="frames of an observation: the current one and those before it")
    state_features: int = Field(default=64, ge=4, multiple_of=4, description="channels of a state")


@dataclass(frozen=True)
class States(TensorGroup):
    """Encoded frames.

    Attributes:
        value: (..., C, h, w), an eighth of the frames' sides.
        attention: (..., 1, h, w) in [0, 1], how much each place says about the action.
    """

    value: Tensor
    attention: Tensor


class RepresentationNetwork(nn.Module):
    """Encodes frames by residual blocks, down to an eighth of their sides."""

    def __init__(self, config: RepresentationConfig) -> None:
        super().__init__()
        self.config = config
        full = config.state_features
        self.first = nn.Conv2d(3 * config.stack, full // 4, 3, padding=1, bias=False)
        self.norm = BatchNorm2d(full // 4)
        self.blocks = nn.Sequential(
            LeakyResBlock(full // 4, full // 4),
            LeakyResBlock(full // 4, full // 2, halve=True),
            LeakyResBlock(full // 2, full // 2),
            LeakyResBlock(full // 2, full, halve=True),
            LeakyResBlock(full, full),
            LeakyResBlock(full, full + 1),
        )

    def forward(self, observations: Tensor) -> States:
        """Encodes observations.

        Args:
            observations: (B, 3 S, H, W) RGB in [0, 1]; converted to [-1, 1] inside.

        Returns:
            (B, C, H // 8, W // 8) and (B, 1, H // 8, W // 8).
        """
        # After the conversion the convolution's padding of 0 is mid grey.
        features = conv_and_halve(2 * observations - 1, self.first.weight)
        features = self.blocks(F.leaky_relu(self.norm(features), SLOPE))
        return States(features[:, :-1], torch.sigmoid(features[:, -1:]))
