"""A moving average of how often actions go together, for small batches (CADDY's smoothed mutual information)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RunningJoint(nn.Module):
    """The joint distribution of actions of true and of made clips.

    Attributes:
        value: (A, A), sum 1.
    """

    value: Tensor

    def __init__(self, num_actions: int) -> None:
        super().__init__()
        self.register_buffer("value", torch.full((num_actions, num_actions), 1.0 / num_actions**2))

    def forward(self, joint: Tensor, rate: float) -> Tensor:
        """Takes the joint distribution of a batch in.

        Args:
            joint: (A, A), sum 1; gradients pass through it alone.
            rate: its share in the average; 1 forgets all others.

        Returns:
            (A, A), sum 1.
        """
        average = self.value * (1 - rate) + joint * rate
        self.value.copy_(average.detach())
        return average
