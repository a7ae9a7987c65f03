"""Measures how well recognised actions agree with true ones that are numbered differently."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError


def count_pairs(recognised: Tensor, true: Tensor, num_recognised: int, num_true: int) -> Tensor:
    """Counts how often each recognised action occurs together with each true one (the confusion matrix).

    Args:
        recognised: (...,) int64, 0 to ``num_recognised`` - 1.
        true: (...,) int64 of the same steps, 0 to ``num_true`` - 1.
        num_recognised: A, actions of the model.
        num_true: N, true actions.

    Returns:
        (A, N) int64.

    Raises:
        InputError: shapes differ, there is no step, or a number is out of range.
    """
    if recognised.shape != true.shape or recognised.numel() == 0:
        raise InputError(
            f"recognised actions of shape {tuple(recognised.shape)} and true ones of shape {tuple(true.shape)} "
            "do not fit; give the same steps of both, at least one"
        )
    for numbers, count in ((recognised, num_recognised), (true, num_true)):
        if int(numbers.min()) < 0 or int(numbers.max()) >= count:
            raise InputError(f"actions from {int(numbers.min())} to {int(numbers.max())}; accepted: 0 to {count - 1}")
    pairs = recognised.flatten().cpu().long() * num_true + true.flatten().cpu().long()
    return torch.bincount(pairs, minlength=num_recognised * num_true).unflatten(0, (num_recognised, num_true))


def best_assignment(counts: Tensor) -> tuple[int | None, ...]:
    """The one-to-one assignment of recognised to true actions with which most time steps agree; exact.

    Actions that are left over, or that never occur together, are not assigned. Uses the Hungarian method (Kuhn, Naval
    Research Logistics 1955) with potentials, cubic in the number of actions.

    Args:
        counts: (A, N) from :func:`count_pairs`.

    Returns:
        For each of the A recognised actions the true one assigned to it, or None.

    >>> best_assignment(torch.tensor([[0, 9], [8, 7], [0, 5]]))
    (1, 0, None)
    """
    table = counts.cpu().numpy().astype(np.int64)
    if len(table) <= table.shape[1]:
        pairs = list(enumerate(_match_rows(-table)))
    else:
        pairs = [(recognised, true) for true, recognised in enumerate(_match_rows(-table.T))]
    meant = {recognised: true for recognised, true in pairs if table[recognised, true]}
    return tuple(meant.get(recognised) for recognised in range(len(table)))


def agreeing_share(counts: Tensor, assignment: Sequence[int | None]) -> float:
    """Fraction of time steps whose recognised action is assigned to the true one.

    Args:
        counts: (A, N) from :func:`count_pairs`.
        assignment: from :func:`best_assignment`. If it was chosen on the same steps, the result is too high by chance:
            with few steps even random actions reach a little more than :func:`commonest_share`.

    Returns:
        In [0, 1].
    """
    agreeing = sum(int(counts[action, true]) for action, true in enumerate(assignment) if true is not None)
    return agreeing / int(counts.sum())


def commonest_share(counts: Tensor) -> float:
    """Fraction of time steps with the commonest true action of counts (A, N): the accuracy of always guessing it."""
    return int(counts.sum(dim=0).max()) / int(counts.sum())


def mutual_information_bits(counts: Tensor) -> float:
    """The mutual information of recognised and true actions.

    This is the plain estimate from the counts: for unrelated actions it is not 0 but about (A - 1) (N - 1) / (2 ln 2)
    bits divided by the number of steps.

    Args:
        counts: (A, N) from :func:`count_pairs`.

    Returns:
        Bits, from 0 to :func:`entropy_bits` of either side.
    """
    return max(0.0, entropy_bits(counts.sum(dim=0)) + entropy_bits(counts.sum(dim=1)) - entropy_bits(counts.flatten()))


def entropy_bits(counts: Tensor) -> float:
    """Entropy in bits of the distribution with counts (N,)."""
    probabilities = counts[counts > 0].double() / counts.sum()
    return float(-(probabilities * probabilities.log2()).sum())


def _match_rows(cost: np.ndarray) -> list[int]:
    """Assigns different columns to the rows of (n, m) int64 costs, n at most m, with the smallest sum."""
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows + 1, np.int64), np.zeros(columns + 1, np.int64)
    owner, came_from = np.zeros(columns + 1, np.int64), np.zeros(columns + 1, np.int64)  # rows from 1; 0 is none
    infinite = np.iinfo(np.int64).max // 4
    for row in range(1, rows + 1):
        owner[0], column = row, 0
        least = np.full(columns + 1, infinite)
        visited = np.zeros(columns + 1, bool)
        while owner[column]:
            visited[column] = True
            here = owner[column]
            reduced = np.append(infinite, cost[here - 1] - row_price[here] - column_price[1:])
            closer = ~visited & (reduced < least)
            least[closer], came_from[closer] = reduced[closer], column
            following = int(np.where(visited, infinite, least).argmin())
            step = least[following]
            row_price[owner[visited]] += step
            column_price[visited] -= step
            least[~visited] -= step
            column = following
        while column:  # hands the columns along the path on
            owner[column] = owner[came_from[column]]
            column = int(came_from[column])
    found = [0] * rows
    for column, row in enumerate(owner[1:]):
        if row:
            found[row - 1] = column
    return found
