"""Computes means with confidence intervals from a value for each frame and the clip that it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinema.core.checks import InputError

# Draws held in memory at once: 2000 resamples of 10,000 groups would take 160 MB in one piece.
_DRAWS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Estimate:
    """A mean and its bootstrap confidence interval.

    Attributes:
        mean: mean of the values.
        low: lower end of the interval, None if there are fewer than two groups to resample.
        high: upper end of the interval, or None.
        count: how many values were used.
        missing: how many were NaN (for example, no face was found) and left out.
    """

    mean: float
    low: float | None
    high: float | None
    count: int
    missing: int = 0


def bootstrap_mean(
    values: ArrayLike,
    groups: Sequence[object] | NDArray | None = None,
    *,
    seed: int,
    num_resamples: int = 2000,
    level: float = 0.95,
) -> Estimate:
    """The mean of ``values`` with a percentile interval over resampled groups.

    Frames of one clip resemble each other, so whole clips are drawn with replacement; resampling frames would give
    an interval several times too narrow.

    Args:
        values: (N,) numbers; NaN means "could not be measured": such values are left out and counted.
        groups: N labels, such as the clip of each frame; None makes every value its own group.
        seed: the same seed gives the same interval.
        num_resamples: how many times the groups are drawn.
        level: the fraction of resampled means inside the interval, in (0, 1).

    Returns:
        The estimate, in the unit of ``values``.

    Raises:
        InputError: there is nothing to average, a value is infinite, or the lengths differ.
    """
    flat = np.asarray(values, dtype=np.float64)
    if flat.ndim != 1 or np.isinf(flat).any():
        raise InputError(f"bootstrap: values of shape {flat.shape} must be a list of numbers, none of them infinite")
    if groups is not None and len(groups) != len(flat):
        raise InputError(f"bootstrap: {len(flat)} values and {len(groups)} group labels; give one label a value")
    if not 0 < level < 1 or num_resamples < 1:
        raise InputError(f"bootstrap: level {level} and {num_resamples} resamples; give a level in (0, 1), at least 1")
    kept = ~np.isnan(flat)
    flat, missing = flat[kept], int((~kept).sum())
    if not len(flat):
        raise InputError(f"bootstrap: nothing to average, {missing} values and all of them NaN")
    sums, counts = _group_sums(flat, None if groups is None else np.asarray(groups)[kept])
    low = high = None
    if len(sums) > 1:
        means = _resampled_means(sums, counts, np.random.default_rng(seed), num_resamples)
        low, high = (float(end) for end in np.quantile(means, [(1 - level) / 2, (1 + level) / 2]))
    return Estimate(mean=float(flat.mean()), low=low, high=high, count=len(flat), missing=missing)


def _group_sums(values: NDArray, groups: NDArray | None) -> tuple[NDArray, NDArray]:
    """Sum and number of the values of each group, (G,) each."""
    if groups is None:
        return values, np.ones(len(values))
    _, index = np.unique(groups, return_inverse=True)
    return np.bincount(index, weights=values), np.bincount(index).astype(np.float64)


def _resampled_means(sums: NDArray, counts: NDArray, rng: np.random.Generator, num_resamples: int) -> NDArray:
    """Means over G groups drawn with replacement, (num_resamples,)."""
    num_groups = len(sums)
    chunk = max(1, _DRAWS_AT_ONCE // num_groups)
    means = []
    for start in range(0, num_resamples, chunk):
        drawn = rng.integers(num_groups, size=(min(chunk, num_resamples - start), num_groups))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    return np.concatenate(means)
