"""Averages the joint distribution of actions over batches, which are small (CADDY's smoothed mutual information)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SmoothedJointDistribution(nn.Module):
    """A moving average of the joint distribution of the actions in true clips and in generated ones.

    Attributes:
        value: (A, A), sum 1.
    """

    value: Tensor

    def __init__(self, num_actions: int) -> None:
        super().__init__()
        self.register_buffer("value", torch.full((num_actions, num_actions), 1.0 / num_actions**2))

    def forward(self, joint: Tensor, rate: float) -> Tensor:
        """Updates the average with the joint distribution of a batch.

        Args:
            joint: (A, A), sum 1; gradients pass through it alone.
            rate: weight of the batch in the average; 1 forgets all earlier batches.

        Returns:
            The new average, (A, A), sum 1.
        """
        average = self.value * (1 - rate) + joint * rate
        self.value.copy_(average.detach())
        return average
