"""Keypoints of a first frame -> those of the next frames (Monkey-Net, Siarohin et al., CVPR 2019, Sec. 3.6)."""

from __future__ import annotations

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from kinema.core.config import Config
from kinema.core.types import Keypoints

# Motions differ by small differences of pose, which a network sees better magnified.
MAGNIFIED = 4


class KeypointPredictorConfig(Config):
    """Size of the recurrent network."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    covariance: bool = Field(default=True, description="predict covariance matrices too; otherwise the first's stay")
    num_features: int = Field(default=1024, ge=1, description="units of the GRU")
    num_layers: int = Field(default=1, ge=1, description="layers of the GRU")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="between layers, while training")
    residual: bool = Field(
        default=False,
        description="answer movements since the first frame instead of places, from a state that a small network reads "
        "off that frame; not in the paper, ours",
    )
    noise: int = Field(
        default=0, ge=0, description="random numbers that choose among possible motions; residual only; ours"
    )

    @model_validator(mode="after")
    def _has_a_start(self) -> Self:
        if self.noise and not self.residual:
            raise ValueError("noise enters where the start is read off the first frame: set residual too")
        return self


class KeypointPredictor(nn.Module):
    """A GRU that reads keypoints frame by frame and answers each; where it reads zeros, it has to guess."""

    def __init__(self, config: KeypointPredictorConfig) -> None:
        super().__init__()
        self.config = config
        size = config.num_kp * (6 if config.covariance else 2)
        # Torch warns of dropout between layers where there is one layer only.
        dropout = config.dropout if config.num_layers > 1 else 0.0
        self.rnn = nn.GRU(size, config.num_features, config.num_layers, dropout=dropout, batch_first=True)
        self.linear = nn.Linear(config.num_features, size)
        self.start: nn.Sequential | None = None
        if config.residual:
            # Training starts from a picture that stands still.
            nn.init.normal_(self.linear.weight, std=1e-3)
            nn.init.zeros_(self.linear.bias)
            self.start = nn.Sequential(
                nn.Linear(2 * config.num_kp + config.noise, 2 * config.num_features),
                nn.ReLU(),
                nn.Linear(2 * config.num_features, config.num_layers * config.num_features),
            )

    def forward(self, kp: Keypoints, state: Tensor | None = None) -> tuple[Keypoints, Tensor]:
        """One answer for each frame.

        Args:
            kp: ``value`` (B, T, K, 2) and, where the config says so, ``covariance`` (B, T, K, 2, 2).
            state: (layers, B, features) that an earlier call returned, or None at the start.

        Returns:
            Keypoints of the same shapes, points in (-1, 1) (movements, where the config is residual), covariances
            positive semi-definite; and the new state.
        """
        inputs = kp.value.flatten(2)
        if self.config.covariance:
            assert kp.covariance is not None
            inputs = torch.cat([inputs, kp.covariance.flatten(2)], dim=-1)
        features, new_state = self.rnn(inputs, state)
        return self._read(features), new_state

    def begin(self, first: Keypoints, noise: Tensor | None = None) -> Tensor:
        """The state after the given frame.

        Args:
            first: ``value`` (B, K, 2) and, where the config says so, ``covariance`` (B, K, 2, 2).
            noise: (B, ``config.noise``) normal numbers that choose a motion; None, or zeros, is the likeliest one.

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
        """The next frames; the network reads zeros for them, as in the authors' code.

        Args:
            first: the given frame, as in :meth:`begin`.
            state: (layers, B, features) from :meth:`begin` or from an earlier call.
            length: T, frames.

        Returns:
            ``value`` (B, T, K, 2) and ``covariance`` (B, T, K, n, n) where ``first`` has one; and the new state.
        """
        features, new_state = self.rnn(state.new_zeros(state.shape[1], length, self.rnn.input_size), state)
        answer = self._read(features)
        value, covariance = answer.value, answer.covariance
        if self.config.residual:
            value = first.value.unsqueeze(1) + value
        if covariance is None and first.covariance is not None:
            covariance = first.covariance.unsqueeze(1).expand(-1, length, -1, -1, -1)
        return Keypoints(value, covariance=covariance), new_state

    def _read(self, features: Tensor) -> Keypoints:
        """(B, T, features) of the GRU to what they say."""
        answer = self.linear(features).unflatten(-1, (self.config.num_kp, -1))  # (B, T, K, 2 or 6)
        value = answer[..., :2].tanh()
        if not self.config.covariance:
            return Keypoints(value)
        factor = answer[..., 2:].unflatten(-1, (2, 2))
        return Keypoints(value, covariance=factor.mT @ factor)
