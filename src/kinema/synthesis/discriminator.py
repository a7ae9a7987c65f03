"""Scores how real the patches of a frame look, at several scales (FOMM, after pix2pix)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.conv import PatchBlock
from kinema.blocks.spectral import SpectralConv2d
from kinema.core.config import Config
from kinema.core.types import Keypoints
from kinema.ops.heatmap import gaussian_heatmap


class PatchDiscriminatorConfig(Config):
    """Size of the discriminators, one for each scale."""

    scales: tuple[float, ...] = Field(default=(1.0,), min_length=1, description="of the frames, one discriminator each")
    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    block_expansion: int = Field(default=32, ge=1, description="base width")
    max_features: int = Field(default=512, ge=1, description="largest width")
    num_blocks: int = Field(default=4, ge=1, description="convolutions before the last")
    spectral_norm: bool = Field(default=False, description="spectrally normalised convolutions")
    use_kp: bool = Field(default=False, description="also takes the driving keypoints, as Gaussians")
    num_kp: int = Field(default=10, ge=1, description="keypoints it sees")
    kp_variance: float = Field(
        default=0.01, gt=0, description="of the Gaussian of a keypoint, squared coordinate units"
    )


@dataclass(frozen=True)
class DiscriminatorOutput:
    """The output of a patch discriminator for a batch at one scale.

    Attributes:
        features: (B, C, H, W) maps after each block, first to last.
        score: (B, 1, H, W), near 1 for patches that look real, near 0 for patches that look generated.
    """

    features: tuple[Tensor, ...]
    score: Tensor


class PatchDiscriminator(nn.Module):
    """Scores overlapping patches of frames at one scale."""

    def __init__(self, config: PatchDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config

        def width(level: int) -> int:
            return min(config.max_features, config.block_expansion * 2**level)

        inputs = config.num_channels + (config.num_kp if config.use_kp else 0)
        self.blocks = nn.ModuleList(
            PatchBlock(
                inputs if level == 0 else width(level),
                width(level + 1),
                norm=level != 0,
                pool=level != config.num_blocks - 1,
                use_spectral_norm=config.spectral_norm,
            )
            for level in range(config.num_blocks)
        )
        self.final = (SpectralConv2d if config.spectral_norm else nn.Conv2d)(width(config.num_blocks), 1, 1)

    def forward(self, frames: Tensor, kp: Keypoints | None = None) -> DiscriminatorOutput:
        """Scores (B, 3, H, W) frames in [0, 1]; ``kp`` (B, K, 2) is needed if the config has ``use_kp``."""
        features = frames
        if self.config.use_kp:
            assert kp is not None
            size = (frames.shape[2], frames.shape[3])
            heatmap = gaussian_heatmap(kp.value, size, variance=self.config.kp_variance)
            features = torch.cat([frames, heatmap], dim=1)
        maps: list[Tensor] = []
        for block in self.blocks:
            features = block(features)
            maps.append(features)
        return DiscriminatorOutput(tuple(maps), self.final(features))


class MultiScaleDiscriminator(nn.Module):
    """One :class:`PatchDiscriminator` for each scale."""

    def __init__(self, config: PatchDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.discriminators = nn.ModuleList(PatchDiscriminator(config) for _ in config.scales)

    def forward(self, frames: tuple[Tensor, ...], kp: Keypoints | None = None) -> tuple[DiscriminatorOutput, ...]:
        """Scores a pyramid: one (B, 3, H, W) tensor in [0, 1] for each of the config's scales."""
        pairs = zip(self.discriminators, frames, strict=True)
        return tuple(discriminator(level, kp) for discriminator, level in pairs)
