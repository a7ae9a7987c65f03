"""Generates a face in the pose of drawn landmarks, by a U-Net ("Every Smile is Unique", CVPR 2018, stage 2).

The paper translates landmarks to frames with skip connections and adversarial training; layer sizes follow pix2pix
(Isola et al., CVPR 2017) and are a reconstruction.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.norm import BatchNorm2d
from kinema.core.checks import check_divisible
from kinema.core.config import Config

Disturb = Callable[[Tensor], Tensor]
DISTURBED = 2


class LandmarkUNetConfig(Config):
    """Size of the U-Net."""

    block_expansion: int = Field(default=64, ge=1, description="base width")
    max_features: int = Field(default=512, ge=1, description="largest width")
    num_levels: int = Field(default=6, ge=2, description="halvings")


class LandmarkUNet(nn.Module):
    """Takes the neutral face and a drawing of landmarks, gives the face in that pose."""

    def __init__(self, config: LandmarkUNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = [min(config.max_features, config.block_expansion * 2**level) for level in range(config.num_levels)]
        inner = config.num_levels - 1
        # No norm at the first level, which sees pixels, nor at the innermost, whose map may be a single pixel.
        self.downs = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, 1) for before, after in zip([4, *widths], widths, strict=False)
        )
        self.down_norms = nn.ModuleList(
            nn.Identity() if level in (0, inner) else BatchNorm2d(width) for level, width in enumerate(widths)
        )
        levels = range(inner, 0, -1)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(widths[level] * (1 if level == inner else 2), widths[level - 1], 4, 2, 1)
            for level in levels
        )
        self.up_norms = nn.ModuleList(BatchNorm2d(widths[level - 1]) for level in levels)
        self.final = nn.ConvTranspose2d(2 * widths[0], 3, 4, 2, 1)

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return 2**self.config.num_levels

    def forward(self, source: Tensor, drawing: Tensor, disturb: Disturb | None = None) -> Tensor:
        """The face in the pose of a drawing.

        Args:
            source: (B, 3, H, W) RGB in [0, 1].
            drawing: (B, 1, H, W) in [0, 1].
            disturb: applied to the features of the two innermost levels; dropout, during training.

        Returns:
            (B, 3, H, W) in [0, 1].

        Raises:
            InputError: H or W is not a multiple of :attr:`divisor`.
        """
        check_divisible((source.shape[2], source.shape[3]), self.divisor, what="landmark U-Net")
        features = 2 * torch.cat([source, drawing], dim=1) - 1
        skips = []
        for level, (conv, norm) in enumerate(zip(self.downs, self.down_norms, strict=True)):
            features = norm(conv(features if level == 0 else F.leaky_relu(features, 0.2)))
            skips.append(features)
        features = skips.pop()
        for place, (conv, norm) in enumerate(zip(self.ups, self.up_norms, strict=True)):
            features = norm(conv(F.relu(features)))
            if disturb is not None and place < DISTURBED:
                features = disturb(features)
            features = torch.cat([features, skips.pop()], dim=1)
        return (self.final(F.relu(features)).tanh() + 1) / 2
