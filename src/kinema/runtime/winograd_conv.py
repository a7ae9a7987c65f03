"""Computes convolutions with fixed weights faster, by Winograd's algorithm where it pays."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.ops.winograd import can_convolve, convolve_transformed, transform_kernel

# One frame, two threads, time of Winograd relative to direct convolution: 64 -> 64 at 128x128 took 0.9,
# 128 -> 64 at 128x128 0.8, 128 -> 128 at 64x64 0.6, 256 -> 256 at 64x64 0.4, 512 -> 1024 at 16x16 0.45.
LEAST_INPUTS, LEAST_OUTPUTS = 128, 64
# In maps with fewer pixels, reading kernels four times as large takes longer than it saves. The innermost kernels of an
# hourglass are the largest: with them transformed too, vox_256 needed 0.6 GiB more memory.
LEAST_PIXELS = 256


class FrozenConv2d(nn.Module):
    """A convolution with zero padding and fixed weights; wide 3x3 kernels use Winograd's algorithm on CPUs.

    Args:
        weight: (C', C / groups, h, w).
        bias: (C',) or None.
        stride: of both axes.
        padding: zeros around the features.
        groups: of channels.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, *, stride: int = 1, padding: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.detach(), requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
        self.stride, self.padding, self.groups = stride, padding, groups
        outputs, inputs, *kernel = weight.shape
        is_plain = (*kernel, stride, padding, groups) == (3, 3, 1, 1, 1)
        self.is_wide = is_plain and inputs >= LEAST_INPUTS and outputs >= LEAST_OUTPUTS
        # Computed at its first use, as it is four times as large as the weights, and not used on other devices.
        self._transformed: Tensor | None = None

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H', W')."""
        small = features.shape[2] * features.shape[3] < LEAST_PIXELS
        if not self.is_wide or small or torch.is_grad_enabled() or not can_convolve(features):
            return F.conv2d(features, self.weight, self.bias, self.stride, self.padding, groups=self.groups)
        if self._transformed is None:
            self._transformed = transform_kernel(self.weight)
        out = convolve_transformed(features, self._transformed)
        return out if self.bias is None else out.add_(self.bias.view(1, -1, 1, 1))
