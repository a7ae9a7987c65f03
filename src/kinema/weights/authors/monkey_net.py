"""Translates the weight names and settings of AliaksandrSiarohin/monkey-net to ours, without loss.

Their convolutions are 3-D with a depth of 1; ours are the same in 2-D.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from kinema.core.checks import InputError
from kinema.systems.monkey_net.config import MonkeyNetConfig

# Their name -> ours, applied in order; what matches none keeps its name.
_HOURGLASS = ((r"(?:encoder|decoder)\.(down|up)_blocks\.", r"\1_blocks."),)
_KEYPOINTS = (*_HOURGLASS, (r"^predictor\.decoder\.conv\.", "heatmap_head."), (r"^predictor\.", "hourglass."))
_MOTION = (*_HOURGLASS, (r"^hourglass\.decoder\.conv\.", "head."))
_GENERATOR = (
    (r"^(?:appearance_encoder|video_decoder)\.", ""),
    (r"^refinement_module\.r(\d+)\.", r"refinement.\1."),
    (r"^refinement_module\.conv-last\.", "final."),
)
_DISCRIMINATOR = ((r"^down_blocks\.", "blocks."), (r"^conv\.", "score."))
_MOTION_PREFIX = "dense_motion_module."
# Over a depth of 1 trilinear is bilinear.
_INTERPOLATIONS = {"nearest": "nearest", "trilinear": "bilinear"}


def rename_keypoints(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State of their ``kp_detector`` under our names, 2-D."""
    return _renamed(state, _KEYPOINTS)


def rename_motion(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The dense motion inside the state of their ``generator``, under our names, 2-D; empty where it has none."""
    inner = {key.removeprefix(_MOTION_PREFIX): value for key, value in state.items() if key.startswith(_MOTION_PREFIX)}
    return _renamed(inner, _MOTION)


def rename_generator(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of their ``generator`` without its dense motion, under our names, 2-D."""
    return _renamed({key: value for key, value in state.items() if not key.startswith(_MOTION_PREFIX)}, _GENERATOR)


def rename_discriminator(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of their ``discriminator`` under our names, 2-D."""
    return _renamed(state, _DISCRIMINATOR)


def flatten_depth(name: str, value: Tensor) -> Tensor:
    """A 3-D kernel (C', C, 1, h, w) as the 2-D one that computes the same, (C', C, h, w); others unchanged.

    Raises:
        InputError: it is deeper than 1, so it mixes frames.
    """
    if value.ndim != 5:
        return value
    if value.shape[2] != 1:
        raise InputError(
            f"weight '{name}' spans {value.shape[2]} frames; monkey_net's networks see one frame at a time, "
            "give a checkpoint whose kernels have depth 1"
        )
    return value[:, :, 0]


def convert_config(model: Mapping[str, Any], train: Mapping[str, Any] | None = None, **frames: Any) -> MonkeyNetConfig:
    """Their YAML's ``model_params`` and ``train_params`` as our config.

    Args:
        model: ``common_params``, ``kp_detector_params``, ``generator_params``, ``discriminator_params``.
        train: ``loss_weights``, ``detach_kp_*`` and ``lr``; None keeps our defaults.
        frames: fields of the config's ``frames``, such as ``size``.

    Raises:
        InputError: a field is unknown or out of range.
    """
    shared = {key: model["common_params"][key] for key in ("num_kp", "kp_variance", "num_channels")}
    generator = dict(model["generator_params"])
    generator["interpolation"] = _INTERPOLATIONS[generator.pop("interpolation_mode", "nearest")]
    motion = generator.pop("dense_motion_params", None)
    if motion is not None:
        motion = {**shared, **motion, "mask_embedding": dict(motion["mask_embedding_params"])}
        del motion["mask_embedding_params"]
    values: dict[str, Any] = {
        "keypoints": shared | dict(model["kp_detector_params"]),
        "motion": motion,
        "generator": shared | _with_embedding(generator),
        "discriminator": shared | _with_embedding(dict(model.get("discriminator_params", {}))),
    }
    if frames:
        values["frames"] = frames
    blocks = values["discriminator"].get("num_blocks", 4)
    values["objective"] = _objective(train, maps=blocks + 1)
    return MonkeyNetConfig.parse(values, origin="the authors' config")


def _objective(train: Mapping[str, Any] | None, *, maps: int) -> dict[str, Any]:
    if train is None:
        return {"reconstruction": (10,) * (maps - 1) + (1,)}
    objective: dict[str, Any] = dict(train.get("loss_weights", {}))
    # A single 0 or null stands for no reconstruction at all.
    objective["reconstruction"] = objective.get("reconstruction") or ()
    objective |= {key: train[key] for key in ("detach_kp_generator", "detach_kp_discriminator") if key in train}
    if "lr" in train:
        objective |= {f"lr_{net}": train["lr"] for net in ("generator", "keypoints", "discriminator")}
    return objective


def _with_embedding(part: dict[str, Any]) -> dict[str, Any]:
    part["kp_embedding"] = part.pop("kp_embedding_params", None)
    return part


def _renamed(state: Mapping[str, Tensor], rules: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        ours = name
        for pattern, replacement in rules:
            ours = re.sub(pattern, replacement, ours)
        renamed[ours] = flatten_depth(name, value)
    return renamed
