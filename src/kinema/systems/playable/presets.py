"""Lists the presets of playable: the authors' settings for the paper's three data sets, and ours for CPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinema.systems.playable.config import PlayableConfig


def _authors(
    size: tuple[int, int],
    *,
    num_actions: int,
    action_space: int,
    hidden_features: int,
    stack: int = 1,
    **others: dict[str, Any],
) -> PlayableConfig:
    """What the authors train with at a size; ``others`` are fields of ``frames``, ``objective`` and so on."""
    action_sizes = {"num_actions": num_actions, "action_space": action_space}
    values: dict[str, Any] = {
        "frames": {"size": size},
        "representation": {"stack": stack},
        "actions": action_sizes,
        "centroids": action_sizes,
        "dynamics": action_sizes | {"hidden_features": hidden_features, "size": (size[0] // 8, size[1] // 8)},
        "renderer": {"hidden_features": hidden_features},
        "objective": {"joint_rate": 0.2},
        "train": {"steps": 300_000, "batch_size": 8, "schedule": "constant"},
    }
    for part, fields in others.items():
        values[part] = values.get(part, {}) | fields
    return PlayableConfig.parse(values, origin="preset")


def bair() -> PlayableConfig:
    """A robot arm pushes objects, 256 x 256; seven actions."""
    return _authors((256, 256), num_actions=7, action_space=2, hidden_features=128)


def breakout() -> PlayableConfig:
    """An Atari game, 208 x 160; three actions, the reduced network."""
    schedule = {"pretraining_steps": 3000, "length_end": 9, "length_steps": 15_000}
    return _authors((208, 160), num_actions=3, action_space=1, hidden_features=64, schedule=schedule)


def tennis() -> PlayableConfig:
    """A tennis player, 96 x 256; seven actions, every fifth frame, four of them seen at once."""
    losses = {"mutual_information": 0.03, "state_kl": 1e-5}
    return _authors(
        (96, 256),
        num_actions=7,
        action_space=5,
        hidden_features=128,
        stack=4,
        frames={"size": (96, 256), "skip": 4},
        objective={"joint_rate": 1.0, "full": losses, "pretraining": losses | {"hidden": 1.0}},
        schedule={"pretraining_steps": 3000},
        train={"steps": 300_000, "batch_size": 6, "schedule": "constant"},
    )


def small_64() -> PlayableConfig:
    """Ours for CPUs, 64 x 64, five actions: with what playable-robot learned until its actions were clustered.

    Where pixels weigh little, so must all else that shapes the actions; what moves counts more, all through a clip; and
    places in the action space are means, as noise hides the smaller of two movements. Frames copy what was seen, and
    once there are actions, one never seen from a place is learned to do nothing there, as
    docs/explanation/experiments.md tells.
    """
    losses = {"perceptual": (0.1, 0.1, 0.1), "mutual_information": 0.05, "direction_kl": 0}
    states = {"state_features": 48}
    return _authors(
        (64, 64),
        num_actions=5,
        action_space=4,
        hidden_features=48,
        representation=states,
        actions=states,
        dynamics=states,
        renderer={"hidden_features": 48, "copies": True},
        objective={
            "perceptual_network": "efficientnet_lite0",
            "perceptual_input": "normalised",
            "motion_bias": 1.0,
            "motion_span": "clip",
            "unseen_share": 1.0,
            "learning_rate": 8e-4,
            "full": losses,
            "pretraining": losses | {"hidden": 1.0},
        },
        schedule={
            "pretraining_steps": 500,
            "certain_steps": 1_000_000,
            "unseen_from": 3000,
            "length_start": 6,
            "length_end": 9,
            "length_steps": 3000,
            "real_start": 4,
            "real_end": 1,
            "real_steps": 2500,
            "temperature_steps": 4000,
        },
        train={"steps": 6000, "batch_size": 8, "schedule": "cosine"},
    )


PRESETS: dict[str, Callable[[], PlayableConfig]] = {
    "bair": bair,
    "breakout": breakout,
    "tennis": tennis,
    "small_64": small_64,
}
