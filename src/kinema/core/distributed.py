"""Sums tensors over the processes of a distributed run, with gradients."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def is_distributed() -> bool:
    """Whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def sum_over_processes(values: Tensor) -> Tensor:
    """The sum of the ``values`` of all processes, any shape; ``values`` themselves if there is a single process."""
    return SumOverProcesses.apply(values) if is_distributed() else values


class SumOverProcesses(torch.autograd.Function):
    """All-reduce whose gradient is the all-reduce of the gradients: each process's output uses every input."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        """The sum over processes of ``values``, any shape."""
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The sum over processes of the gradients, any shape."""
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total
