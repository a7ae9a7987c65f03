"""Generates a frame from source and motion, by an encoder and decoder whose skip connections are all warped
(Monkey-Net, CVPR 2019, Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.conv import DownBlock, ResBlock, UpBlock
from kinema.core.checks import check_divisible
from kinema.core.config import Config
from kinema.core.types import Keypoints, Motion
from kinema.ops.memory_layout import join_channels
from kinema.ops.movement_maps import MovementConfig, movement_maps
from kinema.ops.warp import warp


class DeformedSkipGeneratorConfig(Config):
    """Size of the generator."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    kp_variance: Literal["matrix", "single"] | float = Field(default="matrix", description="as the detector's")
    block_expansion: int = Field(default=32, ge=1, description="base width")
    max_features: int = Field(default=1024, ge=1, description="largest width")
    num_blocks: int = Field(default=7, ge=1, description="halvings; the skip of each is warped")
    num_refinement_blocks: int = Field(default=4, ge=0, description="residual blocks at full resolution")
    kp_embedding: MovementConfig | None = Field(default=None, description="keypoint maps beside every skip")
    interpolation: Literal["nearest", "bilinear"] = Field(default="nearest", description="resizes motion and maps")
    align_corners: bool = Field(default=True, description="sampling rule the weights were trained with")
    blend_source: bool = Field(
        default=False,
        description="the frame is a learned blend of the warped source pixels and the decoded ones; "
        "not in the paper, learns much faster (docs/explanation/decisions.md)",
    )


class DeformedSkipGenerator(nn.Module):
    """Generates the source in the pose that a motion describes from its features at every resolution."""

    def __init__(self, config: DeformedSkipGeneratorConfig) -> None:
        super().__init__()
        self.config = config

        def width(level: int) -> int:
            return min(config.max_features, config.block_expansion * 2**level)

        maps = 0
        if config.kp_embedding is not None:
            maps = config.kp_embedding.out_channels(config.num_kp, config.num_channels)
        levels = range(config.num_blocks)
        self.down_blocks = nn.ModuleList(
            DownBlock(config.num_channels if level == 0 else width(level), width(level + 1)) for level in levels
        )
        self.up_blocks = nn.ModuleList(
            UpBlock(width(level + 1) * (1 if level == config.num_blocks - 1 else 2) + maps, width(level))
            for level in reversed(levels)
        )
        channels = config.block_expansion + config.num_channels + maps
        self.refinement = nn.Sequential(*(ResBlock(channels) for _ in range(config.num_refinement_blocks)))
        self.final = nn.Conv2d(channels, config.num_channels + config.blend_source, 1)
        if config.blend_source:
            # Training starts near the warped source: sigmoid(2) = 0.88.
            self.final.bias.data[-1] = 2.0  # type: ignore[index]

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return 2**self.config.num_blocks

    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        """Features of the source at every resolution; compute them once for a source that many frames share.

        Args:
            source: (B, 3, H, W) RGB in [0, 1].

        Returns:
            ``num_blocks`` + 1 tensors, the source itself first: (B, C, H, W), (B, C', H / 2, W / 2), ...

        Raises:
            InputError: H or W is not a multiple of :attr:`divisor`.
        """
        check_divisible((source.shape[2], source.shape[3]), self.divisor, what="generator")
        skips = [source]
        for block in self.down_blocks:
            skips.append(block(skips[-1]))
        return tuple(skips)

    def warp_features(self, features: Tensor, motion: Motion) -> Tensor:
        """Warps (B or 1, C, h, w) features to the driving pose: (B, C, h, w), zero where the motion points outside."""
        deformation = self._resize(motion.deformation.movedim(-1, 1), (features.shape[2], features.shape[3]))
        features = features.expand(deformation.shape[0], -1, -1, -1)
        return warp(features, deformation.movedim(1, -1), align_corners=self.config.align_corners)

    def decode(self, skips: Sequence[Tensor]) -> Tensor:
        """Decodes warped skips with their keypoint maps, finest first, to the features (B, C, H, W) to be refined."""
        features = skips[-1]
        for block, skip in zip(self.up_blocks, reversed(skips[:-1]), strict=True):
            features = join_channels(block(features), skip)
        return features

    def forward(
        self, features: Sequence[Tensor], motion: Motion, kp_source: Keypoints, kp_driving: Keypoints
    ) -> Tensor:
        """The source in the pose that ``motion`` describes.

        Args:
            features: from :meth:`encode`, B rows or one for all.
            motion: B rows.
            kp_source: B rows or one for all; used where the config has a keypoint embedding.
            kp_driving: B rows.

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        skips = [self.warp_features(level, motion) for level in features]
        moved = skips[0]
        if self.config.kp_embedding is not None:
            maps = movement_maps(
                features[0],
                kp_source,
                kp_driving,
                self.config.kp_embedding,
                kp_variance=self.config.kp_variance,
                align_corners=self.config.align_corners,
            )
            skips = [torch.cat([skip, self._resize(maps, (skip.shape[2], skip.shape[3]))], dim=1) for skip in skips]
        painted = self.final(self.refinement(self.decode(skips))).sigmoid()
        if not self.config.blend_source:
            return painted
        # Under autocast the decoder gives bfloat16 and the warp float32; lerp needs one dtype.
        colours, alpha = painted.to(moved.dtype).split([self.config.num_channels, 1], dim=1)
        return torch.lerp(colours, moved, alpha)

    def _resize(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        if maps.shape[2:] == size:
            return maps
        if self.config.interpolation == "nearest":
            return F.interpolate(maps, size=size)
        return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
