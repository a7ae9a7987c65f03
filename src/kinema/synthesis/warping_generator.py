"""Generates a frame from source and motion: encodes, warps the features, decodes (FOMM Sec. 3.2, after Johnson et al.
2016)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.conv import DownBlock, ResBlock, SameBlock, UpBlock
from kinema.core.checks import check_divisible
from kinema.core.config import Config
from kinema.core.types import Motion
from kinema.ops.warp import resize_deformation, resize_map, warp


class WarpingGeneratorConfig(Config):
    """Size of the generator."""

    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    block_expansion: int = Field(default=64, ge=1, description="base width")
    max_features: int = Field(default=512, ge=1, description="largest width")
    num_down_blocks: int = Field(default=2, ge=1, description="halvings before the features are warped")
    num_bottleneck_blocks: int = Field(default=6, ge=0, description="residual blocks after the warp")
    align_corners: bool = Field(default=True, description="sampling rule the weights were trained with")
    blend_source: bool = Field(
        default=False,
        description="the frame is a learned blend of the warped source pixels and the decoded ones; "
        "not in the paper, learns much faster (docs/explanation/decisions.md)",
    )


class WarpingGenerator(nn.Module):
    """Generates the source in the pose that a motion describes, and invents what the source does not show."""

    def __init__(self, config: WarpingGeneratorConfig) -> None:
        super().__init__()
        self.config = config

        def width(level: int) -> int:
            return min(config.max_features, config.block_expansion * 2**level)

        levels = range(config.num_down_blocks)
        self.first = SameBlock(config.num_channels, config.block_expansion, kernel_size=7)
        self.down_blocks = nn.ModuleList(DownBlock(width(level), width(level + 1)) for level in levels)
        self.bottleneck = nn.Sequential(
            *(ResBlock(width(config.num_down_blocks)) for _ in range(config.num_bottleneck_blocks))
        )
        self.up_blocks = nn.ModuleList(UpBlock(width(level + 1), width(level)) for level in reversed(levels))
        outputs = config.num_channels + (1 if config.blend_source else 0)
        self.final = nn.Conv2d(config.block_expansion, outputs, 7, padding=3)
        if config.blend_source:
            # Training starts near the warped source: sigmoid(2) = 0.88.
            self.final.bias.data[-1] = 2.0  # type: ignore[index]

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return 2**self.config.num_down_blocks

    def encode(self, source: Tensor) -> Tensor:
        """Features of the source; compute them once for a source that many frames share.

        Args:
            source: (B, 3, H, W) RGB in [0, 1].

        Returns:
            (B, C, H / divisor, W / divisor).

        Raises:
            InputError: H or W is not a multiple of :attr:`divisor`.
        """
        check_divisible((source.shape[2], source.shape[3]), self.divisor, what="generator")
        features = self.first(source)
        for block in self.down_blocks:
            features = block(features)
        return features

    def warp_features(self, features: Tensor, motion: Motion) -> Tensor:
        """Warps source features to the driving pose and multiplies them by the occlusion.

        Args:
            features: (B, C, h, w) from :meth:`encode`, or one row for all.
            motion: B rows.

        Returns:
            (B, C, h, w).
        """
        size = (features.shape[2], features.shape[3])
        deformation = resize_deformation(motion.deformation, size)
        features = features.expand(deformation.shape[0], -1, -1, -1)
        warped = warp(features, deformation, align_corners=self.config.align_corners)
        return warped if motion.occlusion is None else warped * resize_map(motion.occlusion, size)

    def warp_source(self, source: Tensor, motion: Motion) -> Tensor:
        """Warps the source's pixels to the driving pose.

        Args:
            source: (B, 3, H, W) RGB in [0, 1], or one row for all.
            motion: B rows.

        Returns:
            (B, 3, H, W); zero where the motion points outside the source.
        """
        deformation = resize_deformation(motion.deformation, (source.shape[2], source.shape[3]))
        source = source.expand(deformation.shape[0], -1, -1, -1)
        return warp(source, deformation, align_corners=self.config.align_corners)

    def decode(self, features: Tensor) -> Tensor:
        """The logits of the frame, and those of the blend if the config has ``blend_source``.

        Args:
            features: (B, C, h, w) after the warp.

        Returns:
            (B, 3 or 4, H, W) before the sigmoid.
        """
        features = self.bottleneck(features)
        for block in self.up_blocks:
            features = block(features)
        return self.final(features)

    def forward(self, source: Tensor, motion: Motion | None, features: Tensor | None = None) -> Tensor:
        """The source in the pose that ``motion`` describes.

        Args:
            source: (B, 3, H, W) RGB in [0, 1], or one row for all.
            motion: B rows; None reconstructs the source without motion.
            features: from :meth:`encode` of the source, if they are known already.

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        features = self.encode(source) if features is None else features
        if motion is not None:
            features = self.warp_features(features, motion)
        return self.paint(source, motion, features)

    def paint(self, source: Tensor, motion: Motion | None, warped: Tensor) -> Tensor:
        """Decodes warped features to the frame.

        Args:
            source: (B, 3, H, W) RGB in [0, 1], or one row for all.
            motion: B rows; None reconstructs the source without motion.
            warped: (B, C, h, w) from :meth:`warp_features`.

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        if not self.config.blend_source:
            return self.decode(warped).sigmoid()
        moved = source if motion is None else self.warp_source(source, motion)
        return self.blend(moved, warped)[0]

    def blend(self, moved: Tensor, warped: Tensor) -> tuple[Tensor, Tensor]:
        """The frame of a config with ``blend_source``, and the weight of the source's own pixels in it.

        Args:
            moved: (B, 3, H, W) from :meth:`warp_source`.
            warped: (B, C, h, w) from :meth:`warp_features`.

        Returns:
            (B, 3, H, W) and (B, 1, H, W), both in [0, 1].
        """
        # Under autocast the decoder gives bfloat16 and the warp float32; lerp needs one dtype.
        painted = self.decode(warped).sigmoid().to(moved.dtype)
        colours, alpha = painted.split([self.config.num_channels, 1], dim=1)
        return torch.lerp(colours, moved, alpha), alpha
