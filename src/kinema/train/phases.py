"""Defines what a system gives to the training loop: its networks, and the phases in which they learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from kinema.core.types import TensorGroup

Rows = TypeVar("Rows", bound=Tensor | TensorGroup)


@dataclass
class Turn:
    """The state of one training step that its phases share.

    Attributes:
        step: index of the step.
        generator: CPU generator of this step, the same in every process; it depends only on the step, so that runs can
            be resumed. Draw from it with :meth:`draw`.
        shared: values that an earlier phase of the step stores for a later one.
        rank: number of this process, 0 to ``world_size`` - 1.
        world_size: number of processes.
    """

    step: int
    generator: torch.Generator
    shared: dict[str, Any] = field(default_factory=dict)
    rank: int = 0
    world_size: int = 1

    def draw(self, rows: int, make: Callable[[int, torch.Generator], Rows]) -> Rows:
        """Random rows for this process's part of the batch.

        They are drawn for the batch of all processes, so that several processes get the same rows as a single process
        with the whole batch.

        Args:
            rows: B, of this process.
            make: function of a number of rows N and a generator that returns a tensor (N, ...) or a group of N rows.

        Returns:
            B rows: (B, ...).
        """
        return make(rows * self.world_size, self.generator)[self.rank * rows : (self.rank + 1) * rows]  # type: ignore[return-value]


@dataclass(frozen=True)
class Phase:
    """A group of networks that are trained together on one sum of losses.

    Attributes:
        name: name, unique in the system.
        rates: learning rate of each network by its name in ``nets``; 0: the network is not trained.
        losses: function of batch and turn that returns named, weighted scalar losses; their sum is minimised.
        betas: of Adam.
        start: first step of the phase.
        every: number of steps from one turn of the phase to the next.
        end: first step after the phase; None: it has no end.
        optimizer: phases with the same value share the optimizer that the first of them creates; None: its own.
        weight_decay: L2 term of Adam's gradient.
    """

    name: str
    rates: Mapping[str, float]
    losses: Callable[[Any, Turn], dict[str, Tensor]]
    betas: tuple[float, float] = (0.5, 0.999)
    start: int = 0
    every: int = 1
    end: int | None = None
    optimizer: str | None = None
    weight_decay: float = 0.0

    @property
    def optimizer_name(self) -> str:
        """The key of its optimizer."""
        return self.optimizer or self.name

    def is_due(self, step: int) -> bool:
        """Whether the phase is run at ``step``."""
        over = self.end is not None and step >= self.end
        return not over and step >= self.start and (step - self.start) % self.every == 0


class Trainable(Protocol):
    """A system that the loop can train.

    Attributes:
        nets: the networks that a checkpoint stores.
    """

    nets: nn.ModuleDict

    def phases(self) -> tuple[Phase, ...]:
        """The phases of a step, in their order."""
        ...

    def sample_sheet(self, batch: Any) -> Tensor:
        """A picture (3, H, W) in [0, 1] of what the networks generate for a batch."""
        ...
