"""The blocks of ``kinema.blocks.leaky_conv`` for inference: batch norms folded in, activations in place."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.leaky_conv import SLOPE, LeakyResBlock, LeakyUpBlock, double, halving_kernel
from kinema.runtime.fold_norm import fold_norm


class FoldedLeakyResBlock(nn.Module):
    """A :class:`LeakyResBlock` without norms, the halving in its first kernel."""

    def __init__(self, block: LeakyResBlock) -> None:
        super().__init__()
        self.stride = 2 if block.halve else 1
        weight, bias = fold_norm(block.conv1, block.norm1)
        self.weight1 = nn.Parameter(halving_kernel(weight) if block.halve else weight)
        self.bias1 = nn.Parameter(bias)
        weight, bias = fold_norm(block.conv2, block.norm2)
        self.weight2, self.bias2 = nn.Parameter(weight), nn.Parameter(bias)
        self.skip_weight: nn.Parameter | None = None
        self.skip_bias: nn.Parameter | None = None
        if block.skip_conv is not None and block.skip_norm is not None:
            weight, bias = fold_norm(block.skip_conv, block.skip_norm)
            self.skip_weight, self.skip_bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H, W), or (B, C', H // 2, W // 2) where it halves."""
        out = F.conv2d(features, self.weight1, self.bias1, stride=self.stride, padding=1)
        out = F.conv2d(F.leaky_relu_(out, SLOPE), self.weight2, self.bias2, padding=1)
        if self.skip_weight is not None:
            features = F.avg_pool2d(features, 2) if self.stride == 2 else features
            features = F.conv2d(features, self.skip_weight, self.skip_bias)
        return F.leaky_relu_(out.add_(features), SLOPE)


class FoldedLeakyUpBlock(nn.Module):
    """A :class:`LeakyUpBlock` without norm."""

    def __init__(self, block: LeakyUpBlock) -> None:
        super().__init__()
        weight, bias = fold_norm(block.conv, block.norm)
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', 2 H, 2 W)."""
        return F.leaky_relu_(F.conv2d(double(features), self.weight, self.bias, padding=1), SLOPE)
