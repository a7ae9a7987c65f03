"""Provides batch normalisation over the batches of all processes, and instance normalisation over all channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.core.distributed import is_distributed, sum_over_processes


class BatchNorm2d(nn.BatchNorm2d):
    """Equals torch's batch norm in a single process; with several processes, uses the statistics of all of them.

    Works on every backend and device, even gloo on the CPU, which torch's SyncBatchNorm does not support.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalises (B, C, H, W) features, returns the same shape."""
        if not (self.training and is_distributed()):
            return super().forward(input)
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        # Float32 as in torch's own kernel: bfloat16 is too coarse for long sums, and even for counts.
        values = input.float()
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = sum_over_processes(torch.cat([values.sum(dim=(0, 2, 3)), values.square().sum(dim=(0, 2, 3)), count]))
        total = sums[-1]
        mean = sums[: self.num_features] / total
        # For a constant channel, rounding can make the difference negative.
        variance = (sums[self.num_features : -1] / total - mean.square()).clamp_min(0)
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * total / (total - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return (values * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)).to(input.dtype)


class JointInstanceNorm(nn.Module):
    """Normalises each sample over channels and pixels together, with one scale and one shift for all channels.

    This is the instance normalisation of keras-contrib with its default axis, with which Deformable GANs (CVPR 2018)
    were trained; torch's normalises each channel separately.
    """

    def __init__(self, *, eps: float = 1e-3) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        # Float32: bfloat16 is too coarse for sums over a sample.
        values = features.float() if features.dtype == torch.bfloat16 else features
        # Not torch.var_mean: over several axes of channels_last features it takes seven times as long.
        mean = _rows(values).mean(dim=1).view(-1, 1, 1, 1)
        centred = values - mean
        variance = torch.linalg.vector_norm(_rows(centred), dim=1).square().view(-1, 1, 1, 1) / values[0].numel()
        # Smaller variances are those of constant samples, at which the gradient of the root would be infinite.
        scale = self.weight / (variance.clamp_min(1e-12).sqrt() + self.eps)
        return torch.addcmul(self.bias, centred, scale).to(features.dtype)


def _rows(values: Tensor) -> Tensor:
    """Views (B, C, H, W) as (B, N), in memory order so that nothing is copied."""
    return values.flatten(1) if values.is_contiguous() else values.movedim(1, -1).flatten(1)
