"""Averages the weights of networks over training steps; the average scores better than the last step."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of a network's parameters and floating-point buffers.

    Attributes:
        net: the averaged network, in evaluation mode, not trained.
        decay: weight of the old average at each step; it is lower at first, so that early steps are forgotten.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Moves the average towards ``net`` after the optimiser's ``step`` (0-based)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        current = net.state_dict()
        averaged, values = [], []
        for name, slow in self.net.state_dict().items():
            if slow.is_floating_point():
                averaged.append(slow)
                values.append(current[name])
            else:
                slow.copy_(current[name])
        torch._foreach_lerp_(averaged, values, 1 - decay)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restores a state from :meth:`state`."""
        self.net.load_state_dict(dict(state))

    def state(self) -> dict[str, Tensor]:
        """The averaged weights, name to tensor."""
        return self.net.state_dict()
