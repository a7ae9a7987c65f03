"""Encodes the landmarks of a frame as a code and decodes it: the embedding of "Every Smile is Unique" (Wang et al.,
CVPR 2018), in two forms.

The paper embeds drawings of landmarks by a variational autoencoder. Layer sizes and the weight of white pixels are a
reconstruction, the embedding of coordinates is ours; no code of the authors is known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.norm import BatchNorm2d
from kinema.core.config import Config
from kinema.core.types import TensorGroup
from kinema.faces.landmark_maps import draw_landmarks, face_to_drawing
from kinema.faces.landmarks import MEAN_FACE, NUM_LANDMARKS

# Distances and log-likelihoods are in hundredths, so that losses are about 1.
PERCENT = 100.0
# Faces and expressions differ by hundredths of the eye distance.
MAGNIFIED = 20.0
MAX_POSITIVE_WEIGHT = 10.0


class LandmarkEmbeddingConfig(Config):
    """Form and size of the embedding."""

    representation: Literal["coordinates", "images"] = Field(
        default="coordinates", description="what is embedded: points (exact, ours) or drawings (as in the paper)"
    )
    num_codes: int = Field(default=32, ge=1, description="numbers of a code")
    num_features: int = Field(default=256, ge=1, description="width of the hidden layers; for images of the widest one")
    image_side: int = Field(default=64, ge=16, description="side of the drawings in pixels, a multiple of 16")


@dataclass(frozen=True)
class Neutral(TensorGroup):
    """The face with which a sequence begins.

    Attributes:
        landmarks: (B, 68, 2) in the face's own coordinates.
        code: (B, d), its code.
    """

    landmarks: Tensor
    code: Tensor


class LandmarkEmbedding(nn.Module, ABC):
    """The interface of an embedding; each form chooses what :meth:`decode` returns."""

    config: LandmarkEmbeddingConfig

    @abstractmethod
    def encode(self, landmarks: Tensor) -> tuple[Tensor, Tensor]:
        """Encodes (B, 68, 2) landmarks: mean and logarithm of the variance of their codes, each (B, d)."""

    @abstractmethod
    def decode(self, codes: Tensor, neutral: Neutral) -> Tensor:
        """Decodes (B, T, d) codes of the B people of ``neutral`` to this embedding's output, (B, T, ...)."""

    @abstractmethod
    def distance(self, decoded: Tensor, landmarks: Tensor) -> Tensor:
        """Distance of :meth:`decode`'s output, (B, T, ...), from true landmarks (B, T, 68, 2): (B, T), hundredths."""

    @abstractmethod
    def picture(self, decoded: Tensor) -> Tensor:
        """The output of :meth:`decode`, (B, T, ...), as drawings (B, T, S, S) in [0, 1]."""

    def neutral(self, landmarks: Tensor) -> Neutral:
        """The (B, 68, 2) neutral faces with their codes."""
        return Neutral(landmarks, self.encode(landmarks)[0])


class CoordinateEmbedding(LandmarkEmbedding):
    """Embeds the points; decodes the movement of each since the neutral face, which is therefore reproduced exactly."""

    mean_face: Tensor

    def __init__(self, config: LandmarkEmbeddingConfig) -> None:
        super().__init__()
        self.config = config
        size, hidden = 2 * NUM_LANDMARKS, config.num_features
        self.register_buffer("mean_face", torch.tensor(MEAN_FACE).flatten(), persistent=False)
        self.encoder = nn.Sequential(
            nn.Linear(size, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2)
        )
        self.code = nn.Linear(hidden, 2 * config.num_codes)
        self.decoder = nn.Sequential(
            nn.Linear(2 * config.num_codes, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2)
        )
        self.head = nn.Linear(hidden, size)
        # Training starts from a face that does not move.
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)

    def encode(self, landmarks: Tensor) -> tuple[Tensor, Tensor]:
        """Encodes (B, 68, 2) landmarks: mean and logarithm of the variance of their codes, each (B, d)."""
        inputs = MAGNIFIED * (landmarks.flatten(1) - self.mean_face)
        mean, log_variance = self.code(self.encoder(inputs)).chunk(2, dim=-1)
        return mean, log_variance

    def decode(self, codes: Tensor, neutral: Neutral) -> Tensor:
        """Decodes (B, T, d) codes to points (B, T, 68, 2); the neutral's code gives exactly the neutral's points."""
        start = neutral.code[:, None]
        moved = self._displacement(codes, start.expand_as(codes)) - self._displacement(start, start)
        return neutral.landmarks[:, None] + moved.unflatten(-1, (NUM_LANDMARKS, 2))

    def distance(self, decoded: Tensor, landmarks: Tensor) -> Tensor:
        """Mean Euclidean distance of (B, T, 68, 2) points, in hundredths of the eye distance: (B, T)."""
        return PERCENT * ((decoded - landmarks).square().sum(dim=-1) + 1e-10).sqrt().mean(dim=-1)

    def picture(self, decoded: Tensor) -> Tensor:
        """Draws points (B, T, 68, 2): (B, T, S, S) in [0, 1]."""
        side = self.config.image_side
        return _draw(decoded, side, binary=False)

    def _displacement(self, codes: Tensor, start: Tensor) -> Tensor:
        return self.head(self.decoder(torch.cat([codes, start], dim=-1)))


class ImageEmbedding(LandmarkEmbedding):
    """Embeds binary drawings by convolutions, as in the paper; layer sizes are a reconstruction."""

    def __init__(self, config: LandmarkEmbeddingConfig) -> None:
        super().__init__()
        self.config = config
        widths = [max(1, config.num_features // 2**level) for level in (3, 2, 1, 0)]
        inner = config.image_side // 16
        self.encoder = nn.Sequential()
        for before, after in zip([1, *widths], widths, strict=False):
            self.encoder.extend([nn.Conv2d(before, after, 4, 2, 1), BatchNorm2d(after), nn.LeakyReLU(0.2)])
        self.code = nn.Linear(widths[-1] * inner**2, 2 * config.num_codes)
        self.start = nn.Linear(config.num_codes, widths[-1] * inner**2)
        self.decoder = nn.Sequential()
        for before, after in zip(widths[::-1], widths[-2::-1], strict=False):
            self.decoder.extend([nn.ConvTranspose2d(before, after, 4, 2, 1), BatchNorm2d(after), nn.LeakyReLU(0.2)])
        self.decoder.append(nn.ConvTranspose2d(widths[0], 1, 4, 2, 1))

    def encode(self, landmarks: Tensor) -> tuple[Tensor, Tensor]:
        """Draws and encodes (B, 68, 2) landmarks: mean and logarithm of the variance of their codes, each (B, d)."""
        side = self.config.image_side
        drawing = draw_landmarks(face_to_drawing(landmarks), (side, side), binary=True)
        mean, log_variance = self.code(self.encoder(drawing).flatten(1)).chunk(2, dim=-1)
        return mean, log_variance

    def decode(self, codes: Tensor, neutral: Neutral) -> Tensor:
        """Decodes (B, T, d) codes to logits of drawings (B, T, S, S); ``neutral`` is not used."""
        inner = self.config.image_side // 16
        features = F.leaky_relu(self.start(codes.flatten(0, 1)), 0.2).unflatten(1, (-1, inner, inner))
        return self.decoder(features).squeeze(1).unflatten(0, codes.shape[:2])

    def distance(self, decoded: Tensor, landmarks: Tensor) -> Tensor:
        """Binary cross-entropy of logits (B, T, S, S) with drawings of (B, T, 68, 2), mean over the pixels: (B, T)."""
        wanted = _draw(landmarks, self.config.image_side, binary=True)
        white = wanted.mean()
        weight = ((1 - white) / white.clamp_min(1e-6)).clamp(1, MAX_POSITIVE_WEIGHT)
        entropy = F.binary_cross_entropy_with_logits(decoded, wanted, pos_weight=weight, reduction="none")
        return PERCENT * entropy.mean(dim=(2, 3))

    def picture(self, decoded: Tensor) -> Tensor:
        """Turns logits (B, T, S, S) into drawings of the same shape in [0, 1]."""
        return decoded.sigmoid()


EMBEDDINGS: dict[str, type[CoordinateEmbedding] | type[ImageEmbedding]] = {
    "coordinates": CoordinateEmbedding,
    "images": ImageEmbedding,
}


def make_embedding(config: LandmarkEmbeddingConfig) -> CoordinateEmbedding | ImageEmbedding:
    """Builds the embedding that the config describes."""
    return EMBEDDINGS[config.representation](config)


def _draw(landmarks: Tensor, side: int, *, binary: bool) -> Tensor:
    """Draws landmarks (B, T, 68, 2) of any dtype: (B, T, S, S)."""
    drawn = draw_landmarks(face_to_drawing(landmarks.flatten(0, 1)), (side, side), binary=binary)
    return drawn.squeeze(1).unflatten(0, landmarks.shape[:2])
