"""Trains the landmark networks of smile, phase by phase ("Every Smile is Unique", Wang et al., CVPR 2018).

The order of the phases is the paper's as we remember it, which is not verified: embedding, sequence of the label,
modes, then all together. The weights and lengths are ours.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.core.config import Config
from kinema.data.samples.batches import LabelledLandmarks
from kinema.losses.best_of_k import balanced_pull, push_apart, push_pull
from kinema.sequences.landmark_embedding import PERCENT, CoordinateEmbedding, Neutral
from kinema.sequences.landmark_modes import LandmarkModes
from kinema.train.phases import Phase, Turn

Losses = Callable[[LabelledLandmarks, Turn], dict[str, Tensor]]


class LandmarkObjectiveConfig(Config):
    """Weights, phases and learning rates; distances are in percent of the eye distance."""

    diversity: str = Field(
        default="push_pull", pattern="^(balanced|push_pull)$", description="push_pull is the paper's, balanced is ours"
    )
    kl: float = Field(default=0.01, ge=0, description="divergence of the codes from a normal distribution, sum")
    frames: int = Field(default=8, ge=1, description="of each sequence that the embedding sees in a step")
    velocity: float = Field(default=1.0, ge=0, description="distance of movements between frames; of coordinates only")
    code: float = Field(default=0.1, ge=0, description="squared distance of the label's codes from the true ones")
    pull: float = Field(default=0.1, ge=0, description="push_pull: modes stay near the label's codes")
    push: float = Field(default=0.5, ge=0, description="push_pull: codes of modes keep apart")
    margin: float = Field(default=0.1, ge=0, description="push_pull: mean square of codes from which on none pushes")
    temperature: tuple[float, float] = Field(
        default=(0.5, 0.05), description="balanced: at the start and at the end, relative to the mean error"
    )
    mean_share: float = Field(default=0.02, ge=0, le=1, description="balanced: of the mean over all modes")
    landmark_push: float = Field(default=0.05, ge=0, description="balanced: points of modes keep apart")
    landmark_margin: float = Field(default=1.5, ge=0, description="balanced: distance from which on none pushes")
    sequence_step: int = Field(default=400, ge=0, description="step at which the embedding is done")
    modes_step: int = Field(default=1000, ge=0, description="step at which the label's sequence is done")
    tune_step: int = Field(default=2000, ge=0, description="step from which on all learn together")
    end_step: int | None = Field(default=2500, ge=0, description="step at which the landmarks are done; None: never")
    learning_rate: float = Field(default=1e-3, ge=0, description="of the first three phases; 0: no landmarks")
    tune_rate: float = Field(default=3e-4, ge=0, description="of the last one")


class LandmarkObjective:
    """The losses of the landmark networks.

    Attributes:
        model: they belong to; its children are embedding, sequence and modes.
    """

    def __init__(self, config: LandmarkObjectiveConfig, model: LandmarkModes) -> None:
        self.config = config
        self.model = model

    def phases(self) -> tuple[Phase, ...]:
        """Embedding, sequence of the label, modes, then all together; one phase at a time."""
        weights, adam = self.config, (0.9, 0.999)
        rate, after = weights.learning_rate, weights.end_step
        begins = (0, weights.sequence_step, weights.modes_step, weights.tune_step)
        together: dict[str, float] = dict.fromkeys(landmark_nets(self.model), weights.tune_rate)
        parts: tuple[tuple[str, dict[str, float], Losses], ...] = (
            ("embed", {"embedding": rate}, self.embed_losses),
            ("sequence", {"sequence": rate}, self.sequence_losses),
            ("modes", {"modes": rate}, self.modes_losses),
            ("tune", together, self.tune_losses),
        )
        ends = (*begins[1:], after)
        return tuple(
            Phase(name, rates, losses, betas=adam, start=begin, end=end)
            for (name, rates, losses), begin, end in zip(parts, begins, ends, strict=True)
        )

    def embed_losses(self, batch: LabelledLandmarks, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the embedding on some frames of each sequence.

        Args:
            batch: landmarks (B, T, 68, 2).
            turn: chooses the frames and gives the noise.

        Returns:
            Name to scalar: embedding and kl.
        """
        self.model.embedding.train()
        return self._embed(batch, turn)

    def sequence_losses(self, batch: LabelledLandmarks, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the sequence of the label; the embedding is not trained.

        Args:
            batch: landmarks (B, T, 68, 2) and labels (B,).
            turn: not used, as nothing is random.

        Returns:
            Name to scalar: sequence and code.
        """
        neutral = self._finished_neutral(batch)
        return self._follow(batch, neutral, self.model.sequence(neutral.code, batch.label, _after(batch)))

    def modes_losses(self, batch: LabelledLandmarks, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the modes; embedding and sequence of the label are not trained.

        Args:
            batch: landmarks (B, T, 68, 2) and labels (B,).
            turn: its step determines the temperature.

        Returns:
            Name to scalar: closest, pull and push, or balanced and landmark_push.
        """
        neutral = self._finished_neutral(batch)
        with torch.no_grad():
            shared = self.model.sequence(neutral.code, batch.label, _after(batch))
        return self._diverge(batch, neutral, shared, turn)

    def tune_losses(self, batch: LabelledLandmarks, turn: Turn) -> dict[str, Tensor]:
        """The losses of all phases.

        Args:
            batch: landmarks (B, T, 68, 2) and labels (B,).
            turn: as in the phases.

        Returns:
            Name to scalar: the losses of all phases.
        """
        self.model.embedding.eval()
        losses = self._embed(batch, turn)
        neutral = self.model.embedding.neutral(batch.landmarks[:, 0])
        shared = self.model.sequence(neutral.code, batch.label, _after(batch))
        return losses | self._follow(batch, neutral, shared) | self._diverge(batch, neutral, shared, turn)

    def _embed(self, batch: LabelledLandmarks, turn: Turn) -> dict[str, Tensor]:
        weights, embedding = self.config, self.model.embedding
        landmarks = batch.landmarks
        rows, length = landmarks.shape[:2]
        order = turn.draw(rows, lambda count, g: torch.rand(count, length, generator=g)).argsort(dim=1)
        chosen = order[:, : weights.frames, None, None].to(landmarks.device).expand(-1, -1, *landmarks.shape[2:])
        frames = landmarks.gather(1, chosen)  # (B, F, 68, 2)
        # The neutral frames are encoded in the same batch, so that batch norm has the same statistics for all.
        both = torch.cat([landmarks[:, :1], frames], dim=1)
        mean, log_variance = (part.unflatten(0, both.shape[:2]) for part in embedding.encode(both.flatten(0, 1)))
        noise = turn.draw(rows, lambda count, g: torch.randn(count, *mean.shape[1:], generator=g)).to(mean)
        codes = mean + noise * (0.5 * log_variance).exp()
        generated = embedding.decode(codes[:, 1:], Neutral(landmarks[:, 0], mean[:, 0]))
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=-1).mean()
        return {"embedding": embedding.distance(generated, frames).mean(), "kl": weights.kl * divergence}

    def _follow(self, batch: LabelledLandmarks, neutral: Neutral, shared: Tensor) -> dict[str, Tensor]:
        weights, embedding = self.config, self.model.embedding
        wanted = batch.landmarks[:, 1:]
        error = self._error(embedding.decode(shared, neutral), wanted)
        with torch.no_grad():
            codes = embedding.encode(wanted.flatten(0, 1))[0].unflatten(0, wanted.shape[:2])
        return {"sequence": error.mean(), "code": weights.code * (shared - codes).square().mean()}

    def _diverge(self, batch: LabelledLandmarks, neutral: Neutral, shared: Tensor, turn: Turn) -> dict[str, Tensor]:
        weights = self.config
        codes = self.model.modes(shared)
        generated = self.model.decode_modes(codes, neutral)
        num_modes = codes.shape[1]
        wanted = batch.landmarks[:, 1:].repeat_interleave(num_modes, dim=0)
        errors = self._error(generated.flatten(0, 1), wanted).unflatten(0, (-1, num_modes))  # (B, K)
        if weights.diversity == "push_pull":
            return push_pull(
                errors, codes, shared.detach(), pull=weights.pull, push=weights.push, margin=weights.margin
            )
        pulled = balanced_pull(
            errors, batch.label, temperature=self.temperature(turn.step), mean_weight=weights.mean_share
        )
        apart = push_apart(PERCENT * generated, margin=weights.landmark_margin, squared=False)
        return {"balanced": pulled, "landmark_push": weights.landmark_push * apart}

    def temperature(self, step: int) -> float:
        """Temperature of the balanced plan: falls exponentially from the first step of the modes to that of tuning."""
        hot, cold = self.config.temperature
        length = max(1, self.config.tune_step - self.config.modes_step)
        progress = min(1.0, max(0.0, (step - self.config.modes_step) / length))
        return hot * (cold / hot) ** progress

    def _error(self, generated: Tensor, wanted: Tensor) -> Tensor:
        """Distances (B,) of whole sequences and of their velocities."""
        embedding = self.model.embedding
        error = embedding.distance(generated, wanted).mean(dim=1)
        if self.config.velocity and isinstance(embedding, CoordinateEmbedding):
            moves = (sequence[:, 1:] - sequence[:, :-1] for sequence in (generated, wanted))
            error = error + self.config.velocity * embedding.distance(*moves).mean(dim=1)
        return error

    @torch.no_grad()
    def _finished_neutral(self, batch: LabelledLandmarks) -> Neutral:
        """Neutral faces from the finished embedding, whose batch norm uses its running statistics."""
        self.model.embedding.eval()
        return self.model.embedding.neutral(batch.landmarks[:, 0])


def landmark_nets(model: LandmarkModes) -> dict[str, nn.Module]:
    """The networks under the names that the phases use."""
    return {"embedding": model.embedding, "sequence": model.sequence, "modes": model.modes}


def _after(batch: LabelledLandmarks) -> int:
    """Number of frames after the neutral one."""
    return batch.landmarks.shape[1] - 1
