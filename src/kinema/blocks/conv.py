"""Provides the convolution blocks shared by encoders, decoders and discriminators."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.norm import BatchNorm2d
from kinema.blocks.spectral import SpectralConv2d


class SameBlock(nn.Module):
    """Convolution, batch norm, ReLU; keeps the resolution."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int = 3, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, groups=groups)
        self.norm = BatchNorm2d(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H, W)."""
        return F.relu(self.norm(self.conv(features)))


class DownBlock(SameBlock):
    """A :class:`SameBlock` followed by 2x2 average pooling."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H // 2, W // 2)."""
        return F.avg_pool2d(super().forward(features), 2)


class UpBlock(SameBlock):
    """Nearest upsampling by 2 followed by a :class:`SameBlock`."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', 2 H, 2 W)."""
        return super().forward(F.interpolate(features, scale_factor=2, mode="nearest"))


class ResBlock(nn.Module):
    """Two pre-activated 3x3 convolutions around a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = BatchNorm2d(channels)
        self.norm2 = BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        out = self.conv1(F.relu(self.norm1(features)))
        return features + self.conv2(F.relu(self.norm2(out)))


class PatchBlock(nn.Module):
    """Unpadded 4x4 convolution of a patch discriminator, with optional instance norm, pooling, spectral norm."""

    def __init__(self, in_channels: int, out_channels: int, *, norm: bool, pool: bool, use_spectral_norm: bool) -> None:
        super().__init__()
        self.conv = (SpectralConv2d if use_spectral_norm else nn.Conv2d)(in_channels, out_channels, 4)
        self.norm = nn.InstanceNorm2d(out_channels, affine=True) if norm else None
        self.pool = pool

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H - 3, W - 3), half as large if the block pools."""
        out = self.conv(features)
        if self.norm is not None:
            out = self.norm(out)
        out = F.leaky_relu(out, 0.2)
        return F.avg_pool2d(out, 2) if self.pool else out
