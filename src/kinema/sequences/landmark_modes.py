"""A neutral face and a label -> K landmark sequences ("Every Smile is Unique", Wang et al., CVPR 2018).

The paper's order is kept: a recurrent network with the label makes one sequence of codes, K more networks turn it into
K sequences. How codes enter and leave them, and every size, are reconstructions.
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
    num_modes: int = Field(default=3, ge=1, description="sequences that a label may become")
    num_features: int = Field(default=128, ge=1, description="units of the recurrent network with the label")
    mode_features: int = Field(default=128, ge=1, description="units of each mode's network")


class ConditionalSequence(nn.Module):
    """One sequence of codes for a label; reads its own last code at every step."""

    def __init__(self, config: LandmarkModesConfig) -> None:
        super().__init__()
        self.config = config
        codes = config.embedding.num_codes
        self.cell = nn.LSTMCell(codes + config.num_labels, config.num_features)
        self.head = _still_head(config.num_features, codes)

    def forward(self, start: Tensor, label: Tensor, length: int) -> Tensor:
        """The codes that follow a neutral one.

        Args:
            start: (B, d) codes of neutral faces.
            label: (B,) int64.
            length: T, codes to make.

        Returns:
            (B, T, d); the neutral one is not among them.
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
    """K networks of their own weights, each of which turns the shared sequence into one mode."""

    def __init__(self, config: LandmarkModesConfig) -> None:
        super().__init__()
        self.config = config
        codes, features = config.embedding.num_codes, config.mode_features
        modes = range(config.num_modes)
        self.rnns = nn.ModuleList(nn.LSTM(codes, features, batch_first=True) for _ in modes)
        self.heads = nn.ModuleList(_still_head(features, codes) for _ in modes)

    def forward(self, codes: Tensor) -> Tensor:
        """(B, T, d) shared codes to (B, K, T, d), one sequence a mode."""
        pairs = zip(self.rnns, self.heads, strict=True)
        return torch.stack([codes + head(rnn(codes)[0]) for rnn, head in pairs], dim=1)


class LandmarkModes(nn.Module):
    """Embedding, conditional sequence and modes, joined."""

    def __init__(self, config: LandmarkModesConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = make_embedding(config.embedding)
        self.sequence = ConditionalSequence(config)
        self.modes = ModeSequences(config)

    def codes(self, neutral: Neutral, label: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """The shared codes (B, T, d) and those of the modes (B, K, T, d) after the neutral frame; label (B,)."""
        shared = self.sequence(neutral.code, label, length)
        return shared, self.modes(shared)

    def decode_modes(self, codes: Tensor, neutral: Neutral) -> Tensor:
        """(B, K, T, d) codes to what they mean, (B, K, T, ...)."""
        batch, modes = codes.shape[:2]
        rows = neutral.map(lambda tensor: tensor.repeat_interleave(modes, dim=0))
        return self.embedding.decode(codes.flatten(0, 1), rows).unflatten(0, (batch, modes))

    def forward(self, landmarks: Tensor, label: Tensor, length: int) -> Tensor:
        """K sequences of a face.

        Args:
            landmarks: (B, 68, 2) neutral faces in their own coordinates.
            label: (B,) int64.
            length: T, frames, the neutral one included.

        Returns:
            (B, K, T, 68, 2), the first frame being the neutral one; of images (B, K, T, S, S) logits.
        """
        return self.follow(self.embedding.neutral(landmarks), label, length)

    def follow(self, neutral: Neutral, label: Tensor, length: int) -> Tensor:
        """The same for faces whose codes (B, d) are known, or drawn: see :meth:`forward`."""
        _, codes = self.codes(neutral, label, length - 1)
        first = neutral.code[:, None, None].expand(-1, codes.shape[1], -1, -1)
        return self.decode_modes(torch.cat([first, codes], dim=2), neutral)


def _still_head(num_features: int, num_codes: int) -> nn.Linear:
    """A last layer whose answers start near zero, so that training starts from a face that stands still."""
    head = nn.Linear(num_features, num_codes)
    nn.init.normal_(head.weight, std=1e-2)
    nn.init.zeros_(head.bias)
    return head
