"""Scores how real a frame looks as the source's person in the driving pose.

The discriminator of Deformable GANs (Siarohin et al., CVPR 2018, Sec. 3.1) takes frames and poses together ("call").
The authors' code also has one that compares two encodings ("sim") and one that warps the source first ("warp").
"""

from __future__ import annotations

from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from kinema.blocks.norm import JointInstanceNorm
from kinema.core.config import Config
from kinema.core.types import LimbMotion
from kinema.ops.warp import Aggregation, Sampling, scale_transforms, warp_affine, warp_parts

NUM_BLOCKS = 3


class PoseDiscriminatorConfig(Config):
    """Size and kind of the discriminator."""

    kind: Literal["call", "sim", "warp"] = Field(default="call", description="how source and frame are compared")
    pose_channels: int = Field(default=18, ge=1, description="maps of a pose: 18 heat maps or 3 of a stick man")
    block_expansion: int = Field(default=64, ge=1, description="base width")
    max_features: int = Field(default=512, ge=1, description="largest width")
    background: bool = Field(default=False, description="also takes a picture of the background; only kind call")
    size: tuple[int, int] = Field(default=(128, 64), description="(height, width) of frames; fixed for kind sim")
    aggregation: Aggregation = Field(default="max", description="of the moved parts, for kind warp")
    sampling: Sampling = Field(default="nearest", description="of the moved parts, for kind warp")

    @model_validator(mode="after")
    def _is_large_enough(self) -> Self:
        least = 1 if self.kind == "sim" else 2
        if min(self.last_size) < least:
            raise ValueError(
                f"size {self.size} (height, width) is too small for this discriminator; 64 pixels a side do"
            )
        return self

    def width(self, level: int) -> int:
        """Channels after the first convolution (0) and each block."""
        return min(self.max_features, self.block_expansion * 2**level)

    @property
    def last_size(self) -> tuple[int, int]:
        """(height, width) of the map after all blocks: the first convolution has no padding."""
        height, width = ((side - 4) // 2 + 1 for side in self.size)
        for _ in range(NUM_BLOCKS):
            height, width = height // 2, width // 2
        return height, width


class PoseDiscriminator(nn.Module):
    """Judges whether a frame shows the source's person in the driving pose."""

    def __init__(self, config: PoseDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        seen = 3 + config.pose_channels
        width = config.width
        compares_encodings = config.kind == "sim"
        inputs = seen if config.kind != "call" else 2 * seen + (3 if config.background else 0)
        # Without padding, as in the authors' code: its maps are a pixel smaller than half the frame.
        self.first = nn.Conv2d(inputs, width(0), 4, stride=2)
        self.first_source = nn.Conv2d(seen, width(0), 4, stride=2) if config.kind == "warp" else None
        doubled = 2 if config.kind == "warp" else 1
        self.convolutions = nn.ModuleList(
            nn.Conv2d(
                (doubled if level == 1 else 1) * width(level - 1), width(level), 4, stride=2, padding=1, bias=False
            )
            for level in range(1, NUM_BLOCKS + 1)
        )
        self.norms = nn.ModuleList(JointInstanceNorm() for _ in self.convolutions)
        last = width(NUM_BLOCKS)
        self.final = (
            nn.Conv2d(2 * last, 1, config.last_size)
            if compares_encodings
            else nn.Conv2d(last, 1, 4, stride=2, padding=1, bias=False)
        )

    def forward(
        self,
        source: Tensor,
        pose_source: Tensor,
        frames: Tensor,
        pose_driving: Tensor,
        *,
        background: Tensor | None = None,
        motion: LimbMotion | None = None,
    ) -> Tensor:
        """Scores frames.

        Args:
            source: (B, 3, H, W) RGB in [0, 1].
            pose_source: (B, pose_channels, H, W) maps of its pose.
            frames: (B, 3, H, W) RGB in [0, 1], real or generated.
            pose_driving: (B, pose_channels, H, W) maps of the pose that they show.
            background: (B, 3, H, W) RGB in [0, 1], if the config has one.
            motion: from the driving pose to the source, for kind "warp".

        Returns:
            (B, N) logits, one for each patch (a single one for kind "sim"), above 0 where the frame looks real.
        """
        source_seen, frames_seen = (
            torch.cat([2 * f - 1, p], dim=1) for f, p in ((source, pose_source), (frames, pose_driving))
        )
        if self.config.kind == "sim":
            encoded = torch.cat([self._blocks(self.first(seen)) for seen in (frames_seen, source_seen)], dim=1)
            return self.final(F.leaky_relu(encoded, 0.2)).flatten(1)
        if self.first_source is not None:
            assert motion is not None
            moved = self._moved(self.first_source(source_seen), motion, (source.shape[2], source.shape[3]))
            features = torch.cat([self.first(frames_seen), moved], dim=1)
        else:
            behind = [] if background is None else [2 * background - 1]
            features = self.first(torch.cat([source_seen, frames_seen, *behind], dim=1))
        return self.final(F.leaky_relu(self._blocks(features), 0.2)).flatten(1)

    def _blocks(self, features: Tensor) -> Tensor:
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            features = norm(convolution(F.leaky_relu(features, 0.2)))
        return features

    def _moved(self, features: Tensor, motion: LimbMotion, size: tuple[int, int]) -> Tensor:
        how = self.config
        if motion.masks is not None:
            return warp_parts(
                features, motion.transforms, motion.masks, aggregation=how.aggregation, sampling=how.sampling
            )
        transforms = scale_transforms(motion.transforms, size, (features.shape[2], features.shape[3]))
        return warp_affine(features, transforms, sampling=how.sampling)[:, 0]
