"""Computes means over clips with confidence intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinema.core.random import derive_seed
from kinema.metrics.bootstrap import bootstrap_mean


def summarise(rows: list[dict[str, Any]], method: str, clusters: list[str], seed: int) -> dict[str, Any]:
    """Means with 95 % intervals of figures that were measured clip by clip.

    Args:
        rows: one for each clip; ``row[method]`` is metric to value, None if it could not be measured. A row is not
            counted for metrics that it lacks.
        method: "model" or a baseline.
        clusters: cluster of each row; the bootstrap resamples whole clusters.
        seed: of the bootstrap.

    Returns:
        Metric to ``mean``, ``low``, ``high``, ``clips`` and ``missing``.
    """
    summary: dict[str, Any] = {}
    for name in dict.fromkeys(name for row in rows for name in row.get(method, {})):
        held = [
            (row[method][name], group) for row, group in zip(rows, clusters, strict=True) if name in row.get(method, {})
        ]
        values = np.array([np.nan if value is None else value for value, _ in held])
        if np.isnan(values).all():
            # For example, no face was found in any clip; the other figures are still valid.
            summary[name] = {"mean": None, "low": None, "high": None, "clips": 0, "missing": len(values)}
            continue
        groups = [group for _, group in held]
        estimate = bootstrap_mean(values, groups, seed=derive_seed("bootstrap", seed))
        summary[name] = {
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "clips": estimate.count,
            "missing": estimate.missing,
        }
    return summary


def mean_of_known(values: np.ndarray) -> float | None:
    """Mean of the frames that have a value; None if none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
