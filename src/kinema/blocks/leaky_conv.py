"""Provides convolutions with batch norm and leaky ReLU, the blocks of CADDY (Menapace et al., CVPR 2021).

They differ from those of ``kinema.blocks.conv`` in activation, in having no biases and in where they change the
resolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.norm import BatchNorm2d

SLOPE = 0.2


def conv_and_halve(features: Tensor, weight: Tensor) -> Tensor:
    """A 3x3 convolution without bias, followed by 2x2 average pooling, computed as one convolution.

    The mean of four neighbouring outputs is one output of a 4x4 kernel with stride 2: 16 products instead of 36.

    Args:
        features: (B, C, H, W), zeros beyond the border.
        weight: (C', C, 3, 3).

    Returns:
        (B, C', H // 2, W // 2).
    """
    return F.conv2d(features, halving_kernel(weight), stride=2, padding=1)


def halving_kernel(weight: Tensor) -> Tensor:
    """The (C', C, 4, 4) kernel with stride 2 that equals a (C', C, 3, 3) kernel followed by average pooling."""
    shifts = ((0, 1, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 1, 0))
    return torch.stack([F.pad(weight, shift) for shift in shifts]).mean(dim=0)


class LeakyResBlock(nn.Module):
    """Two 3x3 convolutions with a skip connection and an activated sum; the first may halve the resolution."""

    def __init__(self, in_channels: int, out_channels: int, *, halve: bool = False) -> None:
        super().__init__()
        self.halve = halve
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = BatchNorm2d(out_channels)
        changes = halve or in_channels != out_channels
        self.skip_conv = nn.Conv2d(in_channels, out_channels, 1, bias=False) if changes else None
        self.skip_norm = BatchNorm2d(out_channels) if changes else None

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H, W), or (B, C', H // 2, W // 2) if the block halves."""
        out = conv_and_halve(features, self.conv1.weight) if self.halve else self.conv1(features)
        out = self.norm2(self.conv2(F.leaky_relu(self.norm1(out), SLOPE)))
        if self.skip_conv is not None and self.skip_norm is not None:
            # A 1x1 convolution and a pooling commute; this order needs a quarter of the multiplications.
            features = F.avg_pool2d(features, 2) if self.halve else features
            features = self.skip_norm(self.skip_conv(features))
        return F.leaky_relu(out + features, SLOPE)


class LeakyUpBlock(nn.Module):
    """Bilinear upsampling by 2, convolution, batch norm, leaky ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = BatchNorm2d(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', 2 H, 2 W)."""
        return F.leaky_relu(self.norm(self.conv(double(features))), SLOPE)


def double(features: Tensor) -> Tensor:
    """Upsamples (B, C, H, W) bilinearly to (B, C, 2 H, 2 W), aligned at the edges of the pixels."""
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False, recompute_scale_factor=False)


class ConditionedConv2d(nn.Module):
    """A 3x3 convolution of maps and a vector, as if the vector were repeated at every pixel of additional maps.

    Away from the borders the vector adds the same to every pixel, so only 3 x 3 cases are computed and then repeated.
    """

    def __init__(
        self, in_channels: int, vector_size: int, out_channels: int, *, bias: bool = False, halve: bool = False
    ) -> None:
        super().__init__()
        # Both parts are initialised like one convolution over all the channels.
        whole = nn.Conv2d(in_channels + vector_size, out_channels, 3, bias=bias)
        for_maps, for_vector = whole.weight.detach().split([in_channels, vector_size], dim=1)
        self.weight = nn.Parameter(for_maps.clone())
        self.vector_weight = nn.Parameter(for_vector.clone())
        self.bias = whole.bias
        self.halve = halve

    def forward(self, features: Tensor, vector: Tensor) -> Tensor:
        """Convolves the features and the vector.

        Args:
            features: (B, C, H, W), padded with zeros, as are the vector's maps.
            vector: (B, N).

        Returns:
            (B, C', H, W), or (B, C', H // 2, W // 2) if the layer halves: then pooling follows the convolution.
        """
        if self.halve:
            out = conv_and_halve(features, self.weight)
        else:
            out = F.conv2d(features, self.weight, self.bias, padding=1)
        return out + self.convolve_vector(vector, features.shape[2:])

    def convolve_vector(self, vector: Tensor, size: Sequence[int]) -> Tensor:
        """What the vector (B, N) adds to the result (B, C', H', W') for features of (height, width) ``size``."""
        step = 2 if self.halve else 1
        height, width = (min(side, 3 * step) for side in size)
        maps = vector[:, :, None, None].expand(-1, -1, height, width)  # up to 3 x 3 pixels of the result
        cases = (
            conv_and_halve(maps, self.vector_weight) if self.halve else F.conv2d(maps, self.vector_weight, padding=1)
        )
        return _spread(cases, (size[0] // step, size[1] // step))


def _spread(cases: Tensor, size: tuple[int, int]) -> Tensor:
    """Expands (B, C, up to 3, up to 3) cases to (height, width): first and last at the borders, the middle between."""
    for axis, side in zip((2, 3), size, strict=True):
        if cases.shape[axis] == 3:
            first, middle, last = cases.split(1, dim=axis)
            shape = list(cases.shape)
            shape[axis] = side - 2
            cases = torch.cat([first, middle.expand(shape), last], dim=axis)
    return cases
