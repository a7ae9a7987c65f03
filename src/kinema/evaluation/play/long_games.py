"""Measures whether the frames of games much longer than the training clips stay sharp and realistic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from kinema.blocks.efficientnet import EfficientNetLite0Features
from kinema.core.random import numpy_generator
from kinema.core.types import TensorGroup
from kinema.evaluation.clips import batches
from kinema.framing.pixels import to_frames
from kinema.metrics.frechet import frechet_distance
from kinema.metrics.sharpness import sharpness
from kinema.systems.abilities import GamePipeline

GAMES, STEPS = 8, 200
# First and last of the early and of the late steps of a game, counted from 1.
EARLY, LATE = (1, 50), (151, 200)
# How many steps a key is held.
MIN_HELD, MAX_HELD = 3, 6


@dataclass(frozen=True)
class LongGame:
    """A game of ``STEPS`` steps.

    Attributes:
        sharpness: (STEPS,), of its frames.
        early: (N, D) pooled features of the frames in ``EARLY``, or None without a network.
        late: the same for ``LATE``.
    """

    sharpness: np.ndarray
    early: np.ndarray | None
    late: np.ndarray | None


def held_actions(num_actions: int, steps: int, *seed: object) -> np.ndarray:
    """(steps,) random actions, each held for a few steps; the next one may be the same."""
    rng = numpy_generator("held actions", *seed)
    actions: list[int] = []
    while len(actions) < steps:
        actions += [int(rng.integers(num_actions))] * int(rng.integers(MIN_HELD, MAX_HELD + 1))
    return np.array(actions[:steps])


@torch.no_grad()
def play_long_game(
    pipeline: GamePipeline[TensorGroup], given: np.ndarray, network: EfficientNetLite0Features | None, *seed: object
) -> LongGame:
    """Plays a game of random actions.

    Args:
        pipeline: of ``playable``.
        given: (T, H, W, 3) uint8, the true frames at its start.
        network: the network that gives the pooled features.
        seed: of the actions.
    """
    game, shown = pipeline.start(given), []
    for action in held_actions(pipeline.num_actions, STEPS, *seed):
        image, game = pipeline.step(game, int(action))
        shown.append(image)
    frames = np.stack(shown)
    sharp = [sharpness(to_frames(frames[begin:end])) for begin, end in batches(STEPS)]
    early, late = (
        None if network is None else pooled_vectors(network, frames[first - 1 : last]) for first, last in (EARLY, LATE)
    )
    return LongGame(torch.cat(sharp).numpy(), early, late)


def pooled_vectors(network: EfficientNetLite0Features, images: np.ndarray) -> np.ndarray:
    """(T, D) float32 features of pictures (T, H, W, 3) uint8."""
    parts = [network.pooled(to_frames(images[begin:end])) for begin, end in batches(len(images))]
    return torch.cat(parts).numpy()


def long_game_figures(
    games: Sequence[LongGame],
    true_sharpness: Sequence[float],
    own_vectors: np.ndarray | None,
    true_vectors: np.ndarray | None,
) -> dict[str, Any]:
    """The figures of long games for the report.

    Args:
        games: at least one game.
        true_sharpness: mean sharpness of the true frames of each game's clip.
        own_vectors: (M, D) pooled features of the true frames of these clips, or None without a network.
        true_vectors: (N, D), the same for all clips.
    """
    ratios = np.mean(
        [game.sharpness / max(true, 1e-6) for game, true in zip(games, true_sharpness, strict=True)], axis=0
    )
    figures: dict[str, Any] = {"games": len(games), "steps": STEPS, "early": list(EARLY), "late": list(LATE)}
    for name, (first, last) in (("early", EARLY), ("late", LATE)):
        figures[f"sharpness_{name}"] = float(ratios[first - 1 : last].mean())
    for name in ("early", "late", "real"):
        figures[f"frechet_{name}"] = None
        if own_vectors is not None and true_vectors is not None:
            generated = own_vectors if name == "real" else np.concatenate([getattr(game, name) for game in games])
            figures[f"frechet_{name}"] = frechet_distance(generated, true_vectors)
    return figures | {"sharpness_over_time": ratios.round(4).tolist()}
