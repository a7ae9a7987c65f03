"""Provides a convolution with spectral normalisation (Miyato et al., ICLR 2018): its weight has spectral norm 1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SpectralConv2d(nn.Conv2d):
    """A convolution that divides its weight by an estimate of the weight's spectral norm.

    Every forward pass in training mode refines the estimate by one power iteration, right vector first, as the papers'
    weights were trained; torch's own parametrization starts with the left vector and would deviate from them.
    """

    weight_u: Tensor
    weight_v: Tensor

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size)
        rows = self.weight.flatten(1)
        self.register_buffer("weight_u", F.normalize(torch.randn(rows.shape[0]), dim=0))
        self.register_buffer("weight_v", F.normalize(torch.randn(rows.shape[1]), dim=0))

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H', W')."""
        # In the weight's precision: autocast would store bfloat16 vectors in buffers that are saved.
        with torch.autocast(input.device.type, enabled=False):
            rows = self.weight.flatten(1)
            if self.training:
                with torch.no_grad():
                    # New tensors, not in-place: an earlier forward pass of the same step still needs the old ones.
                    self.weight_v = F.normalize(rows.mT @ self.weight_u, dim=0)
                    self.weight_u = F.normalize(rows @ self.weight_v, dim=0)
            sigma = self.weight_u @ (rows @ self.weight_v)
            weight = self.weight / sigma
        return self._conv_forward(input, weight, self.bias)
