"""Runs the blocks of ``kinema.blocks.leaky_conv`` for inference, with folded batch norms and activations in place."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.leaky_conv import SLOPE, ConditionedConv2d, LeakyResBlock, LeakyUpBlock, double, halving_kernel
from kinema.runtime.fuse_batch_norm import fold_norm
from kinema.runtime.winograd_conv import FrozenConv2d


class FoldedLeakyResBlock(nn.Module):
    """A :class:`LeakyResBlock` whose norms and halving are part of its kernels."""

    def __init__(self, block: LeakyResBlock) -> None:
        super().__init__()
        self.halve = block.halve
        self.conv1 = _maybe_halving(*fold_norm(block.conv1, block.norm1), halve=block.halve)
        self.conv2 = FrozenConv2d(*fold_norm(block.conv2, block.norm2))
        self.skip: FrozenConv2d | None = None
        if block.skip_conv is not None and block.skip_norm is not None:
            self.skip = FrozenConv2d(*fold_norm(block.skip_conv, block.skip_norm), padding=0)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H, W), or (B, C', H // 2, W // 2) where it halves."""
        out = self.conv2(F.leaky_relu_(self.conv1(features), SLOPE))
        if self.skip is not None:
            features = self.skip(F.avg_pool2d(features, 2) if self.halve else features)
        return F.leaky_relu_(out.add_(features), SLOPE)


class FoldedLeakyUpBlock(nn.Module):
    """A :class:`LeakyUpBlock` whose norm is part of its kernel."""

    def __init__(self, block: LeakyUpBlock) -> None:
        super().__init__()
        self.conv = FrozenConv2d(*fold_norm(block.conv, block.norm))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', 2 H, 2 W)."""
        return F.leaky_relu_(self.conv(double(features)), SLOPE)


class FrozenConditionedConv2d(nn.Module):
    """A :class:`ConditionedConv2d` with fixed weights."""

    def __init__(self, conditioned: ConditionedConv2d) -> None:
        super().__init__()
        self.conv = _maybe_halving(conditioned.weight, conditioned.bias, halve=conditioned.halve)
        self.conditioned = conditioned

    def forward(self, features: Tensor, vector: Tensor) -> Tensor:
        """(B, C, H, W) and (B, N) to (B, C', H, W), or (B, C', H // 2, W // 2) where it halves."""
        return self.conv(features).add_(self.conditioned.convolve_vector(vector, features.shape[2:]))


def _maybe_halving(weight: Tensor, bias: Tensor | None, *, halve: bool) -> FrozenConv2d:
    """A 3x3 convolution; with ``halve``, its kernel includes the pooling that follows."""
    return FrozenConv2d(halving_kernel(weight) if halve else weight, bias, stride=2 if halve else 1)
