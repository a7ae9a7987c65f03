"""Generates a person in the driving pose, by a U-Net with an encoder for appearance and one for the pose.

Deformable GANs for Pose-Based Human Image Generation (Siarohin et al., CVPR 2018), Sec. 3.1 and Fig. 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.norm import JointInstanceNorm
from kinema.core.checks import check_divisible
from kinema.core.config import Config

NUM_DISTURBED_BLOCKS = 3


class PoseGeneratorConfig(Config):
    """Size of the generator."""

    pose_channels: int = Field(default=18, ge=1, description="maps of a pose: 18 heat maps or 3 of a stick man")
    block_expansion: int = Field(default=64, ge=1, description="base width")
    max_features: int = Field(default=512, ge=1, description="largest width")
    num_levels: int = Field(default=6, ge=2, description="resolutions, the frame's own included")
    two_encoders: bool = Field(default=True, description="separate encoders for source and driving pose, else one")
    background: bool = Field(default=False, description="also takes a picture of the background")
    matte: bool = Field(default=False, description="also predict which pixels are the person, to lay it over a picture")

    def width(self, level: int) -> int:
        """Channels of an encoder at a level; level 0 has the resolution of the frame."""
        return min(self.max_features, self.block_expansion * 2**level)


class PoseEncoder(nn.Module):
    """Encodes maps as features at every resolution."""

    def __init__(self, in_channels: int, config: PoseGeneratorConfig) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, config.width(0), 3, padding=1)
        levels = range(1, config.num_levels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(config.width(level - 1), config.width(level), 4, stride=2, padding=1, bias=False)
            for level in levels
        )
        # The coarsest features, which may be a single pixel, are not normalised.
        self.norms = nn.ModuleList(JointInstanceNorm() for _ in levels[:-1])

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) to ``num_levels`` tensors (B, C', H / 2^i, W / 2^i), finest first."""
        levels = [self.first(inputs)]
        for index, convolution in enumerate(self.convolutions):
            features = convolution(F.leaky_relu(levels[-1], 0.2))
            levels.append(self.norms[index](features) if index < len(self.norms) else features)
        return tuple(levels)


class PoseGenerator(nn.Module):
    """Generates a person in another pose."""

    def __init__(self, config: PoseGeneratorConfig) -> None:
        super().__init__()
        self.config = config
        others = config.pose_channels + (3 if config.background else 0)
        appearance = 3 + config.pose_channels
        self.appearance = PoseEncoder(appearance if config.two_encoders else appearance + others, config)
        self.pose = PoseEncoder(others, config) if config.two_encoders else None
        num_skips = 2 if config.two_encoders else 1
        levels = range(config.num_levels - 1, 0, -1)
        self.up_convolutions = nn.ModuleList(
            nn.ConvTranspose2d(
                num_skips * config.width(level) + (0 if level == config.num_levels - 1 else config.width(level + 1)),
                config.width(level),
                4,
                stride=2,
                padding=1,
                bias=False,
            )
            for level in levels
        )
        self.norms = nn.ModuleList(JointInstanceNorm() for _ in levels)
        self.final = nn.Conv2d(num_skips * config.width(0) + config.width(1), 4 if config.matte else 3, 3, padding=1)

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return 2 ** (self.config.num_levels - 1)

    def encode_appearance(self, source: Tensor, pose_source: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """Features of the source at every resolution; compute them once for a source that many frames share.

        Args:
            source: (B, 3, H, W) RGB in [0, 1].
            pose_source: (B, pose_channels, H, W) maps of its pose.
            others: maps of the driving pose, and the background in [0, 1] if the config has one; only for a
                generator with a single encoder.

        Returns:
            ``num_levels`` tensors (B, C, H / 2^i, W / 2^i), finest first.

        Raises:
            InputError: H or W is not a multiple of :attr:`divisor`.
        """
        check_divisible((source.shape[2], source.shape[3]), self.divisor, what="generator")
        return self.appearance(torch.cat([2 * source - 1, pose_source, *_centred(others)], dim=1))

    def encode_pose(self, pose_driving: Tensor, background: Tensor | None = None) -> tuple[Tensor, ...]:
        """Features of the driving pose at every resolution.

        Args:
            pose_driving: (B, pose_channels, H, W) maps of the pose.
            background: (B, 3, H, W) RGB in [0, 1], if the config has one.

        Returns:
            ``num_levels`` tensors (B, C, H / 2^i, W / 2^i), finest first; no tensors if there is a single encoder.
        """
        if self.pose is None:
            return ()
        others = (pose_driving,) if background is None else (pose_driving, background)
        return self.pose(torch.cat(_centred(others), dim=1))

    def forward(
        self,
        appearance: Sequence[Tensor],
        pose: Sequence[Tensor],
        *,
        disturb: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """The person in the driving pose.

        Args:
            appearance: from :meth:`encode_appearance`, warped to the driving pose; B rows.
            pose: from :meth:`encode_pose`; B rows.
            disturb: applied to the (B, C, h, w) features of the three coarsest blocks; the paper's dropout, during
                training.

        Returns:
            (B, 3, H, W) in [0, 1]; with ``config.matte`` a fourth channel, the alpha of the person.
        """
        skips = list(zip(appearance, pose, strict=True)) if pose else [(level,) for level in appearance]
        features = torch.cat(skips.pop(), dim=1)
        for index, (convolution, norm) in enumerate(zip(self.up_convolutions, self.norms, strict=True)):
            features = norm(convolution(F.relu(features, inplace=True)))  # a fresh tensor: what was joined last
            if disturb is not None and index < NUM_DISTURBED_BLOCKS:
                features = disturb(features)
            features = torch.cat([features, *skips.pop()], dim=1)
        # For the matte too: (tanh(x) + 1) / 2 is the sigmoid of 2 x.
        return (self.final(F.relu(features, inplace=True)).tanh() + 1) / 2


def _centred(others: tuple[Tensor, ...]) -> list[Tensor]:
    """Leaves maps of a pose as they are and converts a background to [-1, 1], as the source is."""
    return [maps if index == 0 else 2 * maps - 1 for index, maps in enumerate(others)]
