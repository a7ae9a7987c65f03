"""The keypoints of some frames -> those of the next (Monkey-Net, Siarohin et al., CVPR 2019, Sec. 3.6)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.core.config import Config
from kinema.core.types import Keypoints


class KeypointPredictorConfig(Config):
    """Size of the recurrent network."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    covariance: bool = Field(default=True, description="predict covariance matrices too")
    num_features: int = Field(default=1024, ge=1, description="units of the GRU")
    num_layers: int = Field(default=1, ge=1, description="layers of the GRU")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="between layers, while training")


class KeypointPredictor(nn.Module):
    """A GRU that reads keypoints frame by frame and answers each with its guess of the next."""

    def __init__(self, config: KeypointPredictorConfig) -> None:
        super().__init__()
        self.config = config
        size = config.num_kp * (6 if config.covariance else 2)
        # Torch warns of dropout between layers where there is one layer only.
        dropout = config.dropout if config.num_layers > 1 else 0.0
        self.rnn = nn.GRU(size, config.num_features, config.num_layers, dropout=dropout, batch_first=True)
        self.linear = nn.Linear(config.num_features, size)

    def forward(self, kp: Keypoints, state: Tensor | None = None) -> tuple[Keypoints, Tensor]:
        """One answer for each frame.

        Args:
            kp: ``value`` (B, T, K, 2) and, where the config says so, ``covariance`` (B, T, K, 2, 2).
            state: (layers, B, features) that an earlier call returned, or None at the start.

        Returns:
            Keypoints of the same shapes, points in (-1, 1), covariances positive semi-definite; and the new state.
        """
        batch, time = kp.value.shape[:2]
        inputs = kp.value.flatten(2)
        if self.config.covariance:
            assert kp.covariance is not None
            inputs = torch.cat([inputs, kp.covariance.flatten(2)], dim=-1)
        features, new_state = self.rnn(inputs, state)
        answer = self.linear(features).view(batch, time, self.config.num_kp, -1)
        value = answer[..., :2].tanh()
        if not self.config.covariance:
            return Keypoints(value), new_state
        factor = answer[..., 2:].unflatten(-1, (2, 2))
        return Keypoints(value, covariance=factor.mT @ factor), new_state
