"""Provides a convolutional LSTM that takes and returns its memory (Shi et al., NeurIPS 2015, without peepholes)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.leaky_conv import ConditionedConv2d
from kinema.core.types import TensorGroup
from kinema.ops.memory_layout import join_channels


@dataclass(frozen=True)
class LstmMemory(TensorGroup):
    """The recurrent state of a convolutional LSTM.

    Attributes:
        hidden: (B, C, H, W) in [-1, 1], its last output.
        cell: (B, C, H, W).
    """

    hidden: Tensor
    cell: Tensor


class ConvLstm(nn.Module):
    """A convolutional LSTM over maps and a vector; its initial memory is learned for one size of maps."""

    def __init__(self, in_channels: int, vector_size: int, out_channels: int, size: tuple[int, int]) -> None:
        """Takes the numbers of input and output channels, the size of the vector, and (height, width) of the maps."""
        super().__init__()
        # Input, forget, output gate and candidate in one convolution: one pass over the maps instead of four.
        self.gates = ConditionedConv2d(in_channels + out_channels, vector_size, 4 * out_channels, bias=True)
        self.initial_hidden = nn.Parameter(torch.zeros(out_channels, *size))
        self.initial_cell = nn.Parameter(torch.zeros(out_channels, *size))

    def start(self, rows: int, size: tuple[int, int] | None = None) -> LstmMemory:
        """The memory before the first step.

        Args:
            rows: B.
            size: (height, width) of the maps; None takes the learned size. For other sizes the learned memory is
                stretched.

        Returns:
            (B, C, H, W) each.
        """
        return LstmMemory(_start(self.initial_hidden, rows, size), _start(self.initial_cell, rows, size))

    def forward(self, features: Tensor, vector: Tensor, memory: LstmMemory) -> LstmMemory:
        """The memory after one time step; its ``hidden`` is the output.

        Args:
            features: (B, C, H, W).
            vector: (B, N), the same for every pixel.
            memory: from the previous time step.

        Returns:
            (B, C', H, W) each.
        """
        gates = self.gates(join_channels(features, memory.hidden), vector)
        enter, keep, show, candidate = gates.chunk(4, dim=1)
        cell = torch.sigmoid(keep) * memory.cell + torch.sigmoid(enter) * torch.tanh(candidate)
        return LstmMemory(torch.sigmoid(show) * torch.tanh(cell), cell)


def _start(learned: Tensor, rows: int, size: tuple[int, int] | None) -> Tensor:
    """(C, H, W) to (B, C, H', W')."""
    first = learned.unsqueeze(0)
    if size is not None and size != tuple(learned.shape[1:]):
        first = F.interpolate(first, size, mode="bilinear", align_corners=False)
    return first.expand(rows, -1, -1, -1)
