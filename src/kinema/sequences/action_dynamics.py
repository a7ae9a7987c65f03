"""Predicts what follows a state and an action (CADDY, CVPR 2021, Sec. 3.4, the dynamics network D)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.leaky_conv import SLOPE, ConditionedConv2d, double
from kinema.blocks.norm import BatchNorm2d
from kinema.blocks.recurrent import ConvLstm, LstmMemory
from kinema.core.config import Config
from kinema.core.types import TensorGroup


class ActionDynamicsConfig(Config):
    """Size of the dynamics network."""

    state_features: int = Field(default=64, ge=1, description="channels of a state")
    hidden_features: int = Field(default=128, ge=1, description="channels of the output")
    num_actions: int = Field(default=7, ge=2, description="A, actions")
    action_space: int = Field(default=2, ge=1, description="d, dimensions of a variation")
    size: tuple[int, int] = Field(default=(32, 32), description="(height, width) of a state, both even")


@dataclass(frozen=True)
class DynamicsMemory(TensorGroup):
    """The recurrent state of the network.

    Attributes:
        fine: of the first recurrent layer, at the size of the states.
        coarse: of the second layer, at half that size.
        last: of the third layer, at the size of the states.
    """

    fine: LstmMemory
    coarse: LstmMemory
    last: LstmMemory


class ActionDynamics(nn.Module):
    """Three recurrent layers with a convolution after each; all six layers are conditioned on the action."""

    def __init__(self, config: ActionDynamicsConfig) -> None:
        super().__init__()
        self.config = config
        states, hidden, told = config.state_features, config.hidden_features, config.num_actions + config.action_space
        half = (config.size[0] // 2, config.size[1] // 2)
        self.fine = ConvLstm(states, told, hidden, config.size)
        self.down = ConditionedConv2d(hidden, told, 2 * hidden, halve=True)
        self.coarse = ConvLstm(2 * hidden, told, 2 * hidden, half)
        self.up = ConditionedConv2d(2 * hidden, told, hidden)
        self.last = ConvLstm(hidden, told, hidden, config.size)
        self.out = ConditionedConv2d(hidden, told, hidden)
        widths = (hidden, 2 * hidden, 2 * hidden, hidden, hidden, hidden)
        # In the order of the six layers above.
        self.norms = nn.ModuleList(BatchNorm2d(width) for width in widths)

    def start(self, rows: int, size: tuple[int, int] | None = None) -> DynamicsMemory:
        """The memory before the first step.

        Args:
            rows: B.
            size: (height, width) of the states, both even; None takes the size of the config.

        Returns:
            (B, C, h, w) each.
        """
        height, width = self.config.size if size is None else size
        half = (height // 2, width // 2)
        layers = ((self.fine, (height, width)), (self.coarse, half), (self.last, (height, width)))
        return DynamicsMemory(*(layer.start(rows, shape) for layer, shape in layers))

    def forward(
        self, state: Tensor, action: Tensor, variation: Tensor, memory: DynamicsMemory
    ) -> tuple[Tensor, DynamicsMemory]:
        """Predicts one time step.

        Args:
            state: (B, C, h, w) of the current observation.
            action: (B, A), not negative, sum 1; one-hot in play.
            variation: (B, d), how the movement differs from the average of its action.
            memory: from the previous step, or from :meth:`start`.

        Returns:
            Features (B, C', h, w) of the next frame, and the new memory.
        """
        told = torch.cat([action, variation], dim=1)  # (B, A + d)
        fine = self.fine(state, told, memory.fine)
        features = self._activate(1, self.down(self.norms[0](fine.hidden), told))
        coarse = self.coarse(features, told, memory.coarse)
        features = double(self._activate(3, self.up(self.norms[2](coarse.hidden), told)))
        last = self.last(features, told, memory.last)
        features = self._activate(5, self.out(self.norms[4](last.hidden), told))
        return features, DynamicsMemory(fine, coarse, last)

    def _activate(self, index: int, features: Tensor) -> Tensor:
        return F.leaky_relu(self.norms[index](features), SLOPE)
