"""Presets: the paper's three data sets with the authors' settings, and ours for CPUs."""

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
    told = {"num_actions": num_actions, "action_space": action_space}
    values: dict[str, Any] = {
        "frames": {"size": size},
        "representation": {"stack": stack},
        "actions": told,
        "centroids": told,
        "dynamics": told | {"hidden_features": hidden_features, "size": (size[0] // 8, size[1] // 8)},
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


def small_96() -> PlayableConfig:
    """Ours for CPUs, 96 x 96: the reduced network without perceptual loss; seven actions, what moves counts more."""
    plain = {"perceptual": ()}
    return _authors(
        (96, 96),
        num_actions=7,
        action_space=2,
        hidden_features=64,
        objective={"motion_bias": 0.1, "full": plain, "pretraining": plain | {"hidden": 1.0}},
        schedule={"pretraining_steps": 500, "length_end": 8, "length_steps": 4000, "temperature_steps": 4000},
        train={"steps": 10_000, "batch_size": 8, "schedule": "constant"},
    )


PRESETS: dict[str, Callable[[], PlayableConfig]] = {
    "bair": bair,
    "breakout": breakout,
    "tennis": tennis,
    "small_96": small_96,
}
