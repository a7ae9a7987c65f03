"""Predicts the keypoints that follow those of a first frame (Monkey-Net, Siarohin et al., CVPR 2019, Sec. 3.6)."""

from __future__ import annotations

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from kinema.core.config import Config
from kinema.core.types import Keypoints

# Small differences of pose decide which motion follows; the network learns them better when they are magnified.
MAGNIFIED = 4


class KeypointPredictorConfig(Config):
    """Size of the recurrent network."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    covariance: bool = Field(
        default=True, description="predict covariances too; otherwise keep those of the first frame"
    )
    num_features: int = Field(default=1024, ge=1, description="units of the GRU")
    num_layers: int = Field(default=1, ge=1, description="layers of the GRU")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="between layers, while training")
    residual: bool = Field(
        default=False,
        description="predict movements since the first frame instead of positions, from a state that a small network "
        "computes from that frame; not in the paper, ours",
    )
    noise: int = Field(
        default=0, ge=0, description="random numbers that choose among possible motions; residual only; ours"
    )

    @model_validator(mode="after")
    def _has_a_start(self) -> Self:
        if self.noise and not self.residual:
            raise ValueError("noise is used only by the network that computes the initial state: set residual too")
        return self


class KeypointPredictor(nn.Module):
    """A GRU that takes the keypoints frame by frame; where its input is zeros, it predicts the keypoints."""

    def __init__(self, config: KeypointPredictorConfig) -> None:
        super().__init__()
        self.config = config
        size = config.num_kp * (6 if config.covariance else 2)
        # Torch warns if dropout between layers is set for a single layer.
        dropout = config.dropout if config.num_layers > 1 else 0.0
        self.rnn = nn.GRU(size, config.num_features, config.num_layers, dropout=dropout, batch_first=True)
        self.linear = nn.Linear(config.num_features, size)
        self.start: nn.Sequential | None = None
        if config.residual:
            # Training starts from a picture that does not move.
            nn.init.normal_(self.linear.weight, std=1e-3)
            nn.init.zeros_(self.linear.bias)
            self.start = nn.Sequential(
                nn.Linear(2 * config.num_kp + config.noise, 2 * config.num_features),
                nn.ReLU(),
                nn.Linear(2 * config.num_features, config.num_layers * config.num_features),
            )

    def forward(self, kp: Keypoints, state: Tensor | None = None) -> tuple[Keypoints, Tensor]:
        """Predicts keypoints for each frame.

        Args:
            kp: ``value`` (B, T, K, 2) and, if the config has ``covariance``, ``covariance`` (B, T, K, 2, 2).
            state: (layers, B, features) that an earlier call returned, or None at the start.

        Returns:
            Keypoints of the same shapes, and the new state. Points are in (-1, 1) (movements, if the config has
            ``residual``), covariances are positive semi-definite.
        """
        inputs = kp.value.flatten(2)
        if self.config.covariance:
            assert kp.covariance is not None
            inputs = torch.cat([inputs, kp.covariance.flatten(2)], dim=-1)
        features, new_state = self.rnn(inputs, state)
        return self._to_keypoints(features), new_state

    def begin(self, first: Keypoints, noise: Tensor | None = None) -> Tensor:
        """The state after the given frame.

        Args:
            first: ``value`` (B, K, 2) and, if the config has ``covariance``, ``covariance`` (B, K, 2, 2).
            noise: (B, ``config.noise``) normal numbers that choose a motion; None, or zeros, for the most likely one.

        Returns:
            (layers, B, features), for :meth:`advance`.
        """
        if self.start is None:
            return self(first.map(lambda tensor: tensor.unsqueeze(1)))[1]
        noise = first.value.new_zeros(len(first.value), self.config.noise) if noise is None else noise
        state = self.start(
            torch.cat([MAGNIFIED * first.value.flatten(1), noise], dim=1)
        ).tanh()  # (B, layers * features)
        return state.unflatten(1, (self.config.num_layers, -1)).transpose(0, 1).contiguous()

    def advance(self, first: Keypoints, state: Tensor, length: int) -> tuple[Keypoints, Tensor]:
        """Predicts the next frames; the network's input for them is zeros, as in the authors' code.

        Args:
            first: the given frame, as in :meth:`begin`.
            state: (layers, B, features) from :meth:`begin` or from an earlier call.
            length: T, number of frames.

        Returns:
            ``value`` (B, T, K, 2) and, if ``first`` has one, ``covariance`` (B, T, K, n, n); and the new state.
        """
        features, new_state = self.rnn(state.new_zeros(state.shape[1], length, self.rnn.input_size), state)
        predicted = self._to_keypoints(features)
        value, covariance = predicted.value, predicted.covariance
        if self.config.residual:
            value = first.value.unsqueeze(1) + value
        if covariance is None and first.covariance is not None:
            covariance = first.covariance.unsqueeze(1).expand(-1, length, -1, -1, -1)
        return Keypoints(value, covariance=covariance), new_state

    def _to_keypoints(self, features: Tensor) -> Keypoints:
        """Turns the outputs (B, T, features) of the GRU into keypoints."""
        numbers = self.linear(features).unflatten(-1, (self.config.num_kp, -1))  # (B, T, K, 2 or 6)
        value = numbers[..., :2].tanh()
        if not self.config.covariance:
            return Keypoints(value)
        factor = numbers[..., 2:].unflatten(-1, (2, 2))
        return Keypoints(value, covariance=factor.mT @ factor)
