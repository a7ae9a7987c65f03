"""Fuses a convolution with the batch norm that follows it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def fold_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that is equal to a convolution and its batch norm in evaluation mode.

    Args:
        conv: convolution with weight (C', C, h, w).
        norm: batch norm of C' channels.

    Returns:
        Weight (C', C, h, w) and bias (C',).
    """
    scale, shift = scale_and_shift(norm)
    bias = torch.zeros_like(shift) if conv.bias is None else conv.bias.detach()
    return conv.weight.detach() * scale.view(-1, 1, 1, 1), bias * scale + shift


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift of a batch norm in evaluation mode, (C,) each."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias.detach() - norm.running_mean * scale
