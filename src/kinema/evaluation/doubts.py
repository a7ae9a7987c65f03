"""Says what speaks against a model: it is worse than doing nothing, or it never learned from pictures like these."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kinema.framing.pixels import to_frames
from kinema.systems.abilities import AnimationPipeline

# What needs no learning, in the reports that have it: the source or the last given frame stays, all is object, a
# landmark is where it is on average.
IDLE = ("repeat_source", "repeat", "whole_frame", "mean_position")
# Metric of frames, masks or landmarks -> whether more is better. Others, such as the Frechet distances or who is
# recognised, are better in a true frame of another moment by what they are, and say nothing against the model.
_MORE_IS_BETTER = {
    "l1": False,
    "psnr": True,
    "ssim": True,
    "perceptual": False,
    "foreground_iou": True,
    "landmark_mae": False,
    "landmark_distance": False,
    "mouth_error": False,
    "lid_error": False,
}


def worse_than_idle(metrics: dict[str, Any], baselines: dict[str, Any]) -> dict[str, list[str]]:
    """In which metrics the model is worse than a baseline that does nothing.

    Args:
        metrics: of the model: name to its summary with ``mean``.
        baselines: the same for each baseline.

    Returns:
        Baseline to metrics, both in the order of the report; a baseline that is worse in all of them is left out.

    >>> one, other = {"mean": 0.0822}, {"mean": 0.0787}
    >>> worse_than_idle({"l1": one}, {"repeat_source": {"l1": other}, "real": {"l1": other}})
    {'repeat_source': ['l1']}
    """
    worse: dict[str, list[str]] = {}
    for who in baselines:
        names = [name for name in metrics if who in IDLE and _is_worse(name, metrics, baselines[who])]
        if names:
            worse[who] = names
    return worse


def _is_worse(name: str, metrics: dict[str, Any], baseline: dict[str, Any]) -> bool:
    if name not in _MORE_IS_BETTER or name not in baseline:
        return False
    mine, theirs = metrics[name]["mean"], baseline[name]["mean"]
    if mine is None or theirs is None:
        return False
    return bool(mine < theirs if _MORE_IS_BETTER[name] else mine > theirs)


def worse_notes(report: dict[str, Any]) -> list[str]:
    """A line for each baseline that :func:`worse_than_idle` names.

    Args:
        report: with ``metrics``, ``baselines`` and ``worse_than``.
    """
    notes = []
    for who, names in report["worse_than"].items():
        figures = ", ".join(
            f"{name} {report['metrics'][name]['mean']:.4f} against {report['baselines'][who][name]['mean']:.4f}"
            for name in names
        )
        notes.append(f"worse than {who.replace('_', ' ')}, which needs no model: {figures}")
    return notes


def measure_familiarity(pipeline: AnimationPipeline, images: Sequence[np.ndarray]) -> dict[str, Any] | None:
    """How near the pictures of a folder are to those that the model learned from.

    Args:
        pipeline: of the model.
        images: uint8 (H, W, 3) of the model's frame size, one of each clip.

    Returns:
        JSON values: ``clips`` and how many of them are ``unfamiliar``, their ``median_distance``, ``reach`` (99 % of
        the model's own pictures are within it) and ``limit``; None where the model's familiarity was never measured.
    """
    known = pipeline.familiarity
    if known is None:
        return None
    distances = torch.cat([known.distance(pipeline.describe(to_frames(image))) for image in images])
    return {
        "clips": len(images),
        "unfamiliar": int((distances > known.limit).sum()),
        "median_distance": round(float(distances.median()), 3),
        "reach": round(known.reach, 3),
        "limit": round(known.limit, 3),
    }


def unfamiliar_line(folder: Path, model: str, measured: dict[str, Any] | None) -> str | None:
    """What a person is told before the measuring; None where every picture is familiar.

    Args:
        folder: of the pictures.
        model: as the user named it.
        measured: by :func:`measure_familiarity`.
    """
    if measured is None or not measured["unfamiliar"]:
        return None
    distance, reach = measured["median_distance"], measured["reach"]
    return (
        f"{folder}: {measured['unfamiliar']} of {measured['clips']} clips are unlike the pictures that {model} learned "
        f"from (median distance {distance:.1f}, 99 % of its own are within {reach:.1f}): expect poor figures; "
        "`kinema models` says what each model is for, `kinema learn` teaches another"
    )
