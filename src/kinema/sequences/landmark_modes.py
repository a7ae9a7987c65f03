"""Predicts K landmark sequences from a neutral face and a label ("Every Smile is Unique", Wang et al., CVPR 2018).

As in the paper, a recurrent network predicts one sequence of codes for the label, and K more networks turn it into K
sequences. The inputs and outputs of these networks and all layer sizes are a reconstruction.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.core.config import Config
from kinema.sequences.landmark_embedding import LandmarkEmbeddingConfig, Neutral, make_embedding


class LandmarkModesConfig(Config):
    """Size of the networks."""

    embedding: LandmarkEmbeddingConfig = LandmarkEmbeddingConfig()
    num_labels: int = Field(default=2, ge=1, description="classes of expression")
    num_modes: int = Field(default=3, ge=1, description="sequences that are predicted for a label")
    num_features: int = Field(default=128, ge=1, description="units of the recurrent network that takes the label")
    mode_features: int = Field(default=128, ge=1, description="units of each mode's network")


class ConditionalSequence(nn.Module):
    """Predicts one sequence of codes for a label; takes its own last code at every step."""

    def __init__(self, config: LandmarkModesConfig) -> None:
        super().__init__()
        self.config = config
        codes = config.embedding.num_codes
        self.cell = nn.LSTMCell(codes + config.num_labels, config.num_features)
        self.head = _still_head(config.num_features, codes)

    def forward(self, start: Tensor, label: Tensor, length: int) -> Tensor:
        """Predicts the codes that follow a neutral one.

        Args:
            start: (B, d) codes of neutral faces.
            label: (B,) int64.
            length: T, number of codes to predict.

        Returns:
            (B, T, d) without the neutral code.
        """
        told = nn.functional.one_hot(label, self.config.num_labels).to(start)
        state = (start.new_zeros(len(start), self.config.num_features),) * 2
        code, codes = start, []
        for _ in range(length):
            state = self.cell(torch.cat([code, told], dim=1), state)
            code = start + self.head(state[0])
            codes.append(code)
        return torch.stack(codes, dim=1)


class ModeSequences(nn.Module):
    """K networks with separate weights, each of which turns the shared sequence into one mode."""

    def __init__(self, config: LandmarkModesConfig) -> None:
        super().__init__()
        self.config = config
        codes, features = config.embedding.num_codes, config.mode_features
        modes = range(config.num_modes)
        self.rnns = nn.ModuleList(nn.LSTM(codes, features, batch_first=True) for _ in modes)
        self.heads = nn.ModuleList(_still_head(features, codes) for _ in modes)

    def forward(self, codes: Tensor) -> Tensor:
        """Turns (B, T, d) shared codes into one sequence for each mode: (B, K, T, d)."""
        pairs = zip(self.rnns, self.heads, strict=True)
        return torch.stack([codes + head(rnn(codes)[0]) for rnn, head in pairs], dim=1)


class LandmarkModes(nn.Module):
    """Predicts landmark sequences: an embedding, a conditional sequence and its modes."""

    def __init__(self, config: LandmarkModesConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = make_embedding(config.embedding)
        self.sequence = ConditionalSequence(config)
        self.modes = ModeSequences(config)

    def codes(self, neutral: Neutral, label: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Shared codes (B, T, d) and codes of the modes (B, K, T, d) that follow the neutral frame; label is (B,)."""
        shared = self.sequence(neutral.code, label, length)
        return shared, self.modes(shared)

    def decode_modes(self, codes: Tensor, neutral: Neutral) -> Tensor:
        """Decodes (B, K, T, d) codes to the embedding's output, (B, K, T, ...)."""
        batch, modes = codes.shape[:2]
        rows = neutral.map(lambda tensor: tensor.repeat_interleave(modes, dim=0))
        return self.embedding.decode(codes.flatten(0, 1), rows).unflatten(0, (batch, modes))

    def forward(self, landmarks: Tensor, label: Tensor, length: int) -> Tensor:
        """Predicts K landmark sequences for each face.

        Args:
            landmarks: (B, 68, 2) neutral faces in their own coordinates.
            label: (B,) int64.
            length: T, number of frames, including the neutral one.

        Returns:
            (B, K, T, 68, 2) landmarks, or (B, K, T, S, S) logits of drawings; the first frame is the neutral one.
        """
        return self.follow(self.embedding.neutral(landmarks), label, length)

    def follow(self, neutral: Neutral, label: Tensor, length: int) -> Tensor:
        """Does the same as :meth:`forward` for neutral faces whose codes (B, d) are known already or were sampled."""
        _, codes = self.codes(neutral, label, length - 1)
        first = neutral.code[:, None, None].expand(-1, codes.shape[1], -1, -1)
        return self.decode_modes(torch.cat([first, codes], dim=2), neutral)


def _still_head(num_features: int, num_codes: int) -> nn.Linear:
    """A last layer whose outputs start near zero, so that training starts from a face that does not move."""
    head = nn.Linear(num_features, num_codes)
    nn.init.normal_(head.weight, std=1e-2)
    nn.init.zeros_(head.bias)
    return head
