"""What the protocols of evaluation share: the request, the clips, means with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kinema.blocks.features import PerceptualFeatures
from kinema.core.checks import InputError
from kinema.core.random import derive_seed
from kinema.data.cache import CacheConfig, CachedClip, FrameCache
from kinema.data.folder import Unreadable, scan_folder
from kinema.data.index import stated_splits
from kinema.metrics.bootstrap import bootstrap_mean

Protocol = Literal["reconstruction", "cross_look", "prediction", "parts", "repose", "smile", "play"]
REPEAT = "repeat_source"
BATCH_FRAMES = 12


@dataclass(frozen=True)
class EvaluateRequest:
    """What to measure.

    Attributes:
        folder: of clips; with an ``index.csv`` that has a split column only its test rows are used.
        protocol: a key of ``kinema.runtime.evaluate.PROTOCOLS``.
        features: perceptual network, or None to leave the perceptual distance out.
        face: also measure what dlib's networks see (extra ``face``): AKD and AED, or who smiles and how.
        poses: also look for joints with the pose detector (extra ``pose``), in protocols of people.
        seed: of the bootstrap, of pairs of people where the folder lists none, and of random actions.
        limit: at most this many clips, or pairs of people, for a quick look; None takes all.
        beside: another model's pipeline that is measured on the same frames, in the protocol smile one that predicts.
        on_progress: clips done, clips in all.
    """

    folder: Path
    protocol: Protocol = "reconstruction"
    features: PerceptualFeatures | None = None
    face: bool = False
    poses: bool = False
    seed: int = 0
    limit: int | None = None
    beside: Any = None
    on_progress: Callable[[int, int | None], None] | None = None


def measured_clips(
    folder: Path, frames: tuple[int, int] | CacheConfig
) -> tuple[tuple[CachedClip, ...], tuple[Unreadable, ...], str | None]:
    """The clips to measure on, decoded.

    Args:
        folder: of clips.
        frames: (height, width) of them, every one is then kept; or how else they are stored.

    Returns:
        The clips by code, what could not be read, and the split ("test", or None where the folder states none).

    Raises:
        InputError: the folder states splits, but no test.
    """
    splits = stated_splits(folder)
    split = "test" if "test" in splits else None
    if splits and split is None:
        raise InputError(
            f"{folder}/index.csv states the splits {', '.join(splits)} but has no test row; "
            "mark the clips to measure on as test, or remove the split column to use all"
        )
    found = scan_folder(folder, split=split)
    # Every frame counts: long clips are not thinned.
    config = frames if isinstance(frames, CacheConfig) else CacheConfig(size=frames, max_frames=None)
    built = FrameCache(config).build(found.clips)
    return tuple(built.clips), (*found.unreadable, *built.failed), split


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


def spans(count: int) -> Iterator[tuple[int, int]]:
    """Begin and end of groups of ``BATCH_FRAMES`` among ``count`` frames."""
    for begin in range(0, count, BATCH_FRAMES):
        yield begin, min(count, begin + BATCH_FRAMES)
