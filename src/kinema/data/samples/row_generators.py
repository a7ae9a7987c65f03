"""Gives each row of a batch a random generator of its own, so that no sample depends on other rows or earlier steps."""

from __future__ import annotations

import numpy as np

from kinema.core.random import numpy_generator


def row_generators(
    purpose: str, seed: int, step: int, batch_size: int, *, rank: int, world_size: int
) -> list[np.random.Generator]:
    """The generators of the rows of one process at one step.

    Args:
        purpose: different purposes give different random numbers.
        seed: any whole number.
        step: 0 or more.
        batch_size: B, rows of this process.
        rank: this process, 0 to ``world_size`` - 1; it has the rows rank * B to (rank + 1) * B of the whole batch.
        world_size: number of processes.

    Returns:
        B generators.

    Raises:
        ValueError: a number is out of range.
    """
    if not (batch_size > 0 and step >= 0 and 0 <= rank < world_size):
        raise ValueError(f"step {step}, batch_size {batch_size}, rank {rank} of {world_size} is not a batch")
    return [numpy_generator(purpose, seed, step, row) for row in range(rank * batch_size, (rank + 1) * batch_size)]
