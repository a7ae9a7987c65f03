"""Defines the settings of a training run that all systems share."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from kinema.core.config import Config


class TrainConfig(Config):
    """Length, batch, learning rates and outputs of a run."""

    stage: str | None = Field(
        default=None,
        description="name of a further training of a finished model, such as predictor; None: the system itself",
    )
    steps: int | None = Field(
        default=None, ge=1, description="steps of the run; None: computed from epochs, repeats and the number of clips"
    )
    epochs: int = Field(default=100, ge=1, description="passes over the clips, used if steps is not given")
    repeats: int = Field(default=1, ge=1, description="examples from each clip in one pass")
    batch_size: int = Field(default=8, ge=1, description="examples per step and process")
    seed: int = Field(default=0, ge=0, description="seed of weights, examples, augmentation and transforms")
    precision: Literal["float32", "bfloat16"] = Field(default="float32", description="precision of the forward pass")
    channels_last: bool = Field(default=True, description="memory layout; faster on the CPU and on tensor cores")
    schedule: Literal["constant", "milestones", "cosine"] = Field(
        default="milestones", description="schedule of the learning rates"
    )
    lr_milestones: tuple[float, ...] = Field(
        default=(0.6, 0.9), description="fractions of the run at which the learning rates are divided by ten"
    )
    lr_warmup_steps: int = Field(default=0, ge=0, description="steps of linear increase at the start")
    clip_norm: float | None = Field(default=None, gt=0, description="largest gradient norm of a phase; None: no limit")
    average_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="decay of the averaged weights that are written as the model; 0: no average",
    )
    log_every_steps: int = Field(default=20, ge=1, description="steps between lines of the log")
    sample_every_steps: int = Field(default=500, ge=1, description="steps between sample sheets")
    checkpoint_every_steps: int = Field(default=500, ge=1, description="steps between checkpoints")
    keep_checkpoints: int = Field(default=2, ge=1, description="number of newest checkpoints that are kept")

    def total_steps(self, num_clips: int, world_size: int = 1) -> int:
        """Number of steps of a run over ``num_clips`` clips with ``world_size`` processes."""
        if self.steps is not None:
            return self.steps
        return max(1, self.epochs * self.repeats * num_clips // (self.batch_size * world_size))

    def rate_factor(self, step: int, total: int) -> float:
        """Factor of the learning rates at ``step`` of ``total``.

        >>> TrainConfig(lr_milestones=(0.5,)).rate_factor(60, 100)
        0.1
        """
        factor = 1.0
        if self.schedule == "milestones":
            factor = round(0.1 ** sum(step >= fraction * total for fraction in self.lr_milestones), 12)
        elif self.schedule == "cosine":
            factor = 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))
        if step < self.lr_warmup_steps:
            factor *= (step + 1) / self.lr_warmup_steps
        return factor
