"""Recognises which action leads from each state of a clip to the next (CADDY, CVPR 2021, Sec. 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.actions.representation import States
from kinema.blocks.leaky_conv import LeakyResBlock
from kinema.core.config import Config
from kinema.core.types import TensorGroup

# Smaller variances count as zero: the gradient of the square root would be infinite at 0.
_LEAST_VARIANCE = 1e-12


class ActionNetworkConfig(Config):
    """Size of the network that recognises actions."""

    state_features: int = Field(default=64, ge=4, description="channels of a state")
    num_actions: int = Field(default=7, ge=2, description="A, actions to distinguish")
    action_space: int = Field(default=2, ge=1, description="d, dimensions of the action space")


@dataclass(frozen=True)
class ActionNoise(TensorGroup):
    """Standard normal numbers to sample with, drawn in this order.

    Attributes:
        states: (B, T, d).
        directions: (B, T - 1, d).
    """

    states: Tensor
    directions: Tensor


@dataclass(frozen=True)
class ActionEstimate(TensorGroup):
    """The actions that the network recognises in a clip.

    Attributes:
        logits: (B, T - 1, A) of the actions.
        direction_mean: (B, T - 1, d), mean of the action direction: how the position in the action space changes.
        direction_variance: (B, T - 1, d), not negative.
        direction: (B, T - 1, d), a sample.
        state_mean: (B, T, d), mean of the position of each frame in the action space.
        state_variance: (B, T, d), not negative.
        state: (B, T, d), a sample.
    """

    logits: Tensor
    direction_mean: Tensor
    direction_variance: Tensor
    direction: Tensor
    state_mean: Tensor
    state_variance: Tensor
    state: Tensor


class ActionNetwork(nn.Module):
    """Maps each frame to a position in a small action space and classifies differences of positions into actions."""

    def __init__(self, config: ActionNetworkConfig) -> None:
        super().__init__()
        self.config = config
        wide = 2 * config.state_features
        self.blocks = nn.Sequential(LeakyResBlock(config.state_features, wide, halve=True), LeakyResBlock(wide, wide))
        self.mean = nn.Linear(wide, config.action_space)
        self.variance = nn.Linear(wide, config.action_space)
        self.classify = nn.Linear(config.action_space, config.num_actions)

    def forward(self, states: States, noise: ActionNoise | None = None) -> ActionEstimate:
        """Recognises the actions of clips.

        Args:
            states: (B, T, C, h, w) with attention.
            noise: used to draw the samples; None takes the means instead, the most likely positions.

        Returns:
            The estimate, B rows.
        """
        rows, count = states.value.shape[:2]
        seen = (states.value * states.attention).flatten(0, 1)  # (B * T, C, h, w)
        pooled = self.blocks(seen).mean(dim=(2, 3))  # (B * T, 2 C)
        mean = self.mean(pooled).unflatten(0, (rows, count))
        variance = self.variance(pooled).abs().unflatten(0, (rows, count))
        direction_mean = mean.diff(dim=1)
        direction_variance = variance[:, 1:] + variance[:, :-1]
        state, direction = mean, direction_mean
        if noise is not None:
            state = _sample(mean, variance, noise.states)
            direction = _sample(direction_mean, direction_variance, noise.directions)
        logits = self.classify(direction)
        return ActionEstimate(logits, direction_mean, direction_variance, direction, mean, variance, state)


def _sample(mean: Tensor, variance: Tensor, noise: Tensor) -> Tensor:
    """Samples (..., d) from the normal distributions."""
    return noise * torch.sqrt(variance.clamp_min(_LEAST_VARIANCE)) + mean
