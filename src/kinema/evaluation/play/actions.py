"""Measures how well recognised actions explain movements and agree with the true actions of a simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from kinema.core.checks import InputError
from kinema.core.random import derive_seed
from kinema.data.clips.cache import CachedClip
from kinema.data.samples.clip_windows import ClipConfig
from kinema.metrics.action_agreement import (
    agreeing_share,
    best_assignment,
    commonest_share,
    count_pairs,
    entropy_bits,
    mutual_information_bits,
)
from kinema.metrics.action_movement import delta_accuracy, delta_mse, movements_by_action
from kinema.metrics.bootstrap import bootstrap_mean
from kinema.simulation.truth import Truth, read_truth, truth_beside

CHANCE, TRUE = "chance", "true_actions"
# The objects that actions move in the clips of `kinema data`.
_MOVED = ("paddle", "hand")
# Marks a time step in which several actions were taken, so that it has no single true action.
MIXED = -1

Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class TrueSteps:
    """The known truth about the time steps of a clip.

    Attributes:
        names: names of the N true actions.
        actions: (M - 1,) int64, the true action of each step, ``MIXED`` if it had several.
        positions: name to (M, ...) float64 at each frame.
    """

    names: tuple[str, ...]
    actions: np.ndarray
    positions: Mapping[str, np.ndarray]


def true_steps(clip: CachedClip, config: ClipConfig, count: int) -> TrueSteps | None:
    """Reads the truth beside a clip; None if there is none.

    Args:
        clip: stored with ``config``.
        config: config of the clips, with their frame stride.
        count: M, number of frames at that stride, from the first one on.

    Raises:
        InputError: the truth cannot be read or is that of another clip.
    """
    path = truth_beside(clip.clip.path)
    if not path.exists():
        return None
    truth: Truth = read_truth(path)
    frames = len(truth.actions)
    if -(-frames // config.frame_stride) != clip.shape[0]:
        raise InputError(f"{path}: has {frames} frames, but the clip beside it has another number; generate both again")
    stride = config.frame_stride * config.time_stride
    per_step = truth.actions[: (count - 1) * stride].astype(np.int64).reshape(count - 1, stride)
    actions = np.where((per_step == per_step[:, :1]).all(axis=1), per_step[:, 0], MIXED)
    positions = {name: places[::stride][:count].astype(np.float64) for name, places in sorted(truth.positions.items())}
    return TrueSteps(truth.action_names, actions, positions)


def moved_object(truth: TrueSteps) -> str | None:
    """The object that the actions move: the paddle, the hand, or the first object with one position per frame."""
    single = [name for name, places in truth.positions.items() if places.ndim == 2]
    return next((name for name in (*_MOVED, *single) if name in single), None)


def check_alike(truths: Sequence[TrueSteps | None]) -> None:
    """Refuses clips of different games.

    Raises:
        InputError: their truths name different actions, or different objects are moved.
    """
    known = [truth for truth in truths if truth is not None]
    if len({(truth.names, moved_object(truth)) for truth in known}) > 1:
        raise InputError("the truths beside the clips name different actions or objects; give clips of one game")


@dataclass(frozen=True)
class ActionFigures:
    """The figures of actions.

    Attributes:
        metrics: name to mean, low, high, clips and missing.
        baselines: the same for chance and for the true actions.
        details: further values of the report.
        notes: sentences for readers of the report.
    """

    metrics: Figures
    baselines: dict[str, Figures]
    details: dict[str, Any]
    notes: list[str]


def action_figures(
    recognised: Sequence[np.ndarray],
    truths: Sequence[TrueSteps | None],
    clusters: Sequence[str],
    *,
    num_actions: int,
    seed: int,
) -> ActionFigures:
    """Measures the actions of clips; ``kinema.evaluation.play.protocol`` says what the figures are.

    Args:
        recognised: (M - 1,) recognised actions of each clip.
        truths: of the same clips, all of one game.
        clusters: cluster of each clip in the bootstrap.
        num_actions: A, of the model.
        seed: of the bootstrap.
    """
    seen = np.bincount(np.concatenate(recognised), minlength=num_actions)
    details: dict[str, Any] = {"steps": int(seen.sum()), "shares": (seen / seen.sum()).round(4).tolist()}
    known = [(own, truth, method) for own, truth, method in zip(recognised, truths, clusters, strict=True) if truth]
    if not known:
        return ActionFigures({}, {}, details, ["no figures of actions: there are no true actions beside the clips"])
    thing = moved_object(known[0][1])
    notes = [] if len(known) == len(recognised) else [f"only {len(known)} of the clips have true actions beside them"]
    if (seen > 0).sum() == 1:
        notes.append(f"only action {seen.argmax() + 1} is ever recognised, so the figures of actions have no meaning")
    result = ActionFigures({}, {CHANCE: {}, TRUE: {}}, details | {"clips": len(known)}, notes)
    if thing is not None:
        _add_movements(result, known, thing)
    _add_agreement(result, known, num_actions, seed)
    return result


def _add_movements(result: ActionFigures, known: Sequence[tuple[np.ndarray, TrueSteps, str]], thing: str) -> None:
    """Adds how well the actions explain the movements of the object."""
    movements = torch.from_numpy(np.concatenate([np.diff(truth.positions[thing], axis=0) for _, truth, _ in known]))
    actions = torch.from_numpy(np.concatenate([own for own, _, _ in known]))
    true = torch.from_numpy(np.concatenate([truth.actions for _, truth, _ in known]))
    single = true != MIXED
    for method, (chosen, moved) in {"": (actions, movements), TRUE: (true[single], movements[single])}.items():
        if not len(moved) or bool((moved == moved[0]).all()):
            continue
        # The classifier is regularised, so small units (such as metres) would hide the movements from it.
        moved = moved / moved.var(dim=0, correction=0).mean().sqrt()
        into = result.baselines[method] if method else result.metrics
        into["delta_mse"] = single_figure(delta_mse(chosen, moved), len(known))
        into["delta_accuracy"] = single_figure(delta_accuracy(chosen, moved), len(known))
    if "delta_mse" not in result.metrics:
        result.notes.append(f"no delta figures: the {thing} always moves in the same way")
        return
    result.baselines[CHANCE]["delta_accuracy"] = single_figure(
        float(actions.bincount().max()) / len(actions), len(known)
    )
    result.details["thing"] = thing
    result.details["mean_movement"] = {
        str(action): movement.mean.numpy().round(5).tolist()
        for action, movement in movements_by_action(actions, movements).items()
    }


def _add_agreement(
    result: ActionFigures, known: Sequence[tuple[np.ndarray, TrueSteps, str]], num_actions: int, seed: int
) -> None:
    """Adds how well the actions agree with the true ones, under the best assignment."""
    names = known[0][1].names
    single = [truth.actions != MIXED for _, truth, _ in known]
    actions = np.concatenate([own[kept] for (own, _, _), kept in zip(known, single, strict=True)])
    true = np.concatenate([truth.actions[kept] for (_, truth, _), kept in zip(known, single, strict=True)])
    if not len(true):
        result.notes.append("no agreement with true actions: every time step had several actions")
        return
    counts = count_pairs(torch.from_numpy(actions), torch.from_numpy(true), num_actions, len(names))
    assignment = best_assignment(counts)
    assigned = np.array([MIXED if one is None else one for one in assignment])
    groups = np.repeat([method for _, _, method in known], [kept.sum() for kept in single])
    estimate = bootstrap_mean((assigned[actions] == true).astype(float), groups, seed=derive_seed("bootstrap", seed))
    result.metrics["action_accuracy"] = single_figure(agreeing_share(counts, assignment), len(known)) | {
        "low": estimate.low,
        "high": estimate.high,
    }
    bits, possible = mutual_information_bits(counts), entropy_bits(counts.sum(dim=0))
    result.metrics["action_information_bits"] = single_figure(bits, len(known))
    result.baselines[TRUE]["action_information_bits"] = single_figure(possible, len(known))
    if possible > 0:
        result.metrics["action_information"] = single_figure(bits / possible, len(known))
    result.baselines[CHANCE]["action_accuracy"] = single_figure(commonest_share(counts), len(known))
    result.details.update(
        compared_steps=len(true),
        true_actions=list(names),
        true_shares=(counts.sum(dim=0).double() / len(true)).numpy().round(4).tolist(),
        confusion=counts.tolist(),
        assignment=[None if one is None else names[one] for one in assignment],
    )


def single_figure(value: float, clips: int) -> dict[str, Any]:
    """A figure of all clips together, without an interval."""
    return {"mean": value, "low": None, "high": None, "clips": clips, "missing": 0}
