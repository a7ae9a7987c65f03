"""What a system tells the training loop: its networks, and in which turns they learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn


@dataclass
class Turn:
    """One step of training, as its phases see it.

    Attributes:
        step: index of the step.
        generator: CPU randomness of this step and process; depends on nothing else, so that runs can resume.
        shared: what an earlier phase of the step leaves for a later one.
    """

    step: int
    generator: torch.Generator
    shared: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Phase:
    """A group of networks that learn together from one sum of losses.

    Attributes:
        name: unique in the system.
        rates: learning rate of each network by its name in ``nets``; 0 leaves a network as it is.
        losses: batch and turn to named scalar losses, already weighted; their sum is minimised.
        betas: of Adam.
        start: first step of the phase.
        every: steps between two turns of the phase.
    """

    name: str
    rates: Mapping[str, float]
    losses: Callable[[Any, Turn], dict[str, Tensor]]
    betas: tuple[float, float] = (0.5, 0.999)
    start: int = 0
    every: int = 1

    def is_due(self, step: int) -> bool:
        """Whether the phase takes its turn at ``step``."""
        return step >= self.start and (step - self.start) % self.every == 0


class Trainable(Protocol):
    """A system that the loop can train.

    Attributes:
        nets: what a checkpoint holds.
    """

    nets: nn.ModuleDict

    def phases(self) -> tuple[Phase, ...]:
        """The phases of a step, in their order."""
        ...

    def sample_sheet(self, batch: Any) -> Tensor:
        """A picture (3, H, W) in [0, 1] that shows what the networks make of a batch."""
        ...
