"""Scores the patches of a frame given the keypoints (Monkey-Net, Siarohin et al., CVPR 2019, Sec. 3.5)."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.conv import PatchBlock
from kinema.core.config import Config
from kinema.core.types import Keypoints
from kinema.ops.movement_maps import MovementConfig, movement_maps, shrink_nearest


class KeypointDiscriminatorConfig(Config):
    """Size of the discriminator."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    kp_variance: Literal["matrix", "single"] | float = Field(default="matrix", description="as the detector's")
    block_expansion: int = Field(default=64, ge=1, description="base width")
    max_features: int = Field(default=512, ge=1, description="largest width")
    num_blocks: int = Field(default=4, ge=1, description="halvings")
    scale_factor: float = Field(default=1, gt=0, le=1, description="the frame is shrunk by this first")
    kp_embedding: MovementConfig | None = Field(default=None, description="keypoint maps beside the frame")
    align_corners: bool = Field(default=True, description="sampling rule the weights were trained with")


class KeypointDiscriminator(nn.Module):
    """A patch discriminator conditioned on the keypoints of source and driving."""

    def __init__(self, config: KeypointDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config

        def width(level: int) -> int:
            return min(config.max_features, config.block_expansion * 2**level)

        channels = config.num_channels
        if config.kp_embedding is not None:
            channels += config.kp_embedding.out_channels(config.num_kp, config.num_channels)
        self.blocks = nn.ModuleList(
            PatchBlock(
                channels if level == 0 else width(level),
                width(level + 1),
                norm=level > 0,
                pool=True,
                use_spectral_norm=False,
            )
            for level in range(config.num_blocks)
        )
        self.score = nn.Conv2d(width(config.num_blocks), 1, 1)

    def forward(self, frames: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> tuple[Tensor, ...]:
        """The discriminator's output and its features at every depth.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1], real or generated.
            kp_source: of the source, B rows or one for all.
            kp_driving: of the frames, B rows.

        Returns:
            ``num_blocks`` + 1 maps: the features of each block, then the score (B, 1, h, w).
        """
        features = shrink_nearest(frames, self.config.scale_factor)
        if self.config.kp_embedding is not None:
            maps = movement_maps(
                features,
                kp_source,
                kp_driving,
                self.config.kp_embedding,
                kp_variance=self.config.kp_variance,
                align_corners=self.config.align_corners,
            )
            features = torch.cat([features, maps], dim=1)
        seen = []
        for block in self.blocks:
            features = block(features)
            seen.append(features)
        return (*seen, self.score(features))
