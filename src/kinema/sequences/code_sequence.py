"""Predicts the codes of the frames that follow a neutral frame, given a label ("Learning How to Smile", TMM 2020).

The paper describes a recurrent network that is conditioned on the label and whose hidden representations change
smoothly. Predicting differences that are summed up, and all layer sizes, are a reconstruction.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.core.config import Config


class CodeSequenceConfig(Config):
    """Size of the recurrent network."""

    num_codes: int = Field(default=256, ge=1, description="numbers of a code")
    num_labels: int = Field(default=2, ge=1, description="classes of expression")
    num_features: int = Field(default=512, ge=1, description="units of the LSTM")


class CodeSequence(nn.Module):
    """An LSTM that takes its last code and the label, and predicts the difference to the next code."""

    def __init__(self, config: CodeSequenceConfig) -> None:
        super().__init__()
        self.config = config
        self.cell = nn.LSTMCell(config.num_codes + config.num_labels, config.num_features)
        self.head = nn.Linear(config.num_features, config.num_codes)
        # Training starts from a face that does not move.
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)

    def forward(self, start: Tensor, label: Tensor, length: int) -> Tensor:
        """Predicts the codes that follow.

        Args:
            start: (B, d) codes of neutral frames.
            label: (B,) int64.
            length: T, number of codes to predict.

        Returns:
            (B, T, d) without the neutral code.
        """
        told = F.one_hot(label, self.config.num_labels).to(start)
        state = (start.new_zeros(len(start), self.config.num_features),) * 2
        code, codes = start, []
        for _ in range(length):
            state = self.cell(torch.cat([code, told], dim=1), state)
            code = code + self.head(state[0])
            codes.append(code)
        return torch.stack(codes, dim=1)


class SequenceClassifier(nn.Module):
    """Classifies which label a sequence of codes shows, from the differences of the codes alone."""

    def __init__(self, config: CodeSequenceConfig) -> None:
        super().__init__()
        self.rnn = nn.GRU(config.num_codes, config.num_features // 4 or 1, batch_first=True)
        self.head = nn.Linear(config.num_features // 4 or 1, config.num_labels)

    def forward(self, codes: Tensor) -> Tensor:
        """(B, T, d) codes, the neutral one first, to logits (B, labels)."""
        return self.head(self.rnn(codes.diff(dim=1))[0].mean(dim=1))
