"""Computes means over clips with confidence intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinema.core.random import derive_seed
from kinema.metrics.bootstrap import bootstrap_mean


def summarise(rows: list[dict[str, Any]], who: str, clusters: list[str], seed: int) -> dict[str, Any]:
    """Means with 95 % intervals of what was measured clip by clip.

    Args:
        rows: for each clip; ``row[who]`` is metric to value, None where there is none. A row may lack a metric that it
            cannot have, or all of them: it is then not counted.
        who: "model" or a baseline.
        clusters: what each row is resampled with.
        seed: of the bootstrap.

    Returns:
        Metric to ``mean``, ``low``, ``high``, ``clips`` and ``missing``.
    """
    summary: dict[str, Any] = {}
    for name in dict.fromkeys(name for row in rows for name in row.get(who, {})):
        held = [(row[who][name], group) for row, group in zip(rows, clusters, strict=True) if name in row.get(who, {})]
        values = np.array([np.nan if value is None else value for value, _ in held])
        if np.isnan(values).all():
            # No face in any clip, say: the other figures stand.
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


def known_mean(values: np.ndarray) -> float | None:
    """Mean of the frames that have a value; None where none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
