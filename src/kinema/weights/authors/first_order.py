"""Translates the weight names and settings of AliaksandrSiarohin/first-order-model to ours, without loss."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from kinema.core.checks import InputError
from kinema.systems.first_order.config import FirstOrderConfig

# Their name -> ours, applied in order; other names stay.
_KEYPOINTS = (
    (r"^predictor\.(?:encoder|decoder)\.", "hourglass."),
    (r"^kp\.", "heatmap_head."),
    (r"^jacobian\.", "jacobian_head."),
)
_MOTION = (
    (r"^hourglass\.(?:encoder|decoder)\.", "hourglass."),
    (r"^mask\.", "mask_head."),
    (r"^occlusion\.", "occlusion_head."),
)
_GENERATOR = ((r"^bottleneck\.r(\d+)\.", r"bottleneck.\1."),)
_DISCRIMINATOR = (
    (r"^down_blocks\.", "blocks."),
    (r"^conv\.", "final."),
    (r"\.weight_orig$", ".weight"),
    (r"^weight_orig$", "weight"),
)
_MOTION_PREFIX = "dense_motion_network."

# What their constructors take where a YAML names no value, in the fields whose defaults differ from ours.
_KEYPOINT_DEFAULTS = {"scale_factor": 1}
_MOTION_DEFAULTS = {"scale_factor": 1}
_DISCRIMINATOR_DEFAULTS = {"block_expansion": 64}


def rename_keypoints(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State of their ``kp_detector`` under our names; their blur kernel is computed here and dropped."""
    return {_rename(name, _KEYPOINTS): value for name, value in state.items() if name != "down.weight"}


def rename_motion(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The dense motion inside the state of their ``generator``, under our names."""
    inner = {
        name.removeprefix(_MOTION_PREFIX): value for name, value in state.items() if name.startswith(_MOTION_PREFIX)
    }
    return {_rename(name, _MOTION): value for name, value in inner.items() if name != "down.weight"}


def rename_generator(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of their ``generator`` without its dense motion, under our names."""
    outer = {name: value for name, value in state.items() if not name.startswith(_MOTION_PREFIX)}
    return {_rename(name, _GENERATOR): value for name, value in outer.items()}


def rename_discriminator(state: Mapping[str, Tensor], scales: tuple[float, ...]) -> dict[str, Tensor]:
    """The state of their ``discriminator`` under our names, its networks in the order of ``scales``."""
    renamed: dict[str, Tensor] = {}
    for index, scale in enumerate(scales):
        prefixes = tuple(f"discs.{spelling}." for spelling in _scale_spellings(scale))
        for name, value in state.items():
            if prefix := next((prefix for prefix in prefixes if name.startswith(prefix)), ""):
                renamed[f"discriminators.{index}.{_rename(name.removeprefix(prefix), _DISCRIMINATOR)}"] = value
    return renamed


def convert_config(model: Mapping[str, Any], train: Mapping[str, Any] | None, **frames: Any) -> FirstOrderConfig:
    """Their YAML's ``model_params`` and ``train_params`` as our config.

    Args:
        model: ``common_params``, ``kp_detector_params``, ``generator_params``, ``discriminator_params``.
        train: ``scales``, ``loss_weights``, ``transform_params`` and rates; None keeps our defaults.
        frames: fields of the config's ``frames``, such as ``size``.

    Raises:
        InputError: a field is unknown or out of range, or there is no dense motion.
    """
    common = dict(model.get("common_params", {}))
    shared = {key: common[key] for key in ("num_kp", "num_channels") if key in common}
    keypoints = dict(model.get("kp_detector_params", {}))
    generator = dict(model.get("generator_params", {}))
    motion = generator.pop("dense_motion_params", None)
    if motion is None:
        raise InputError(
            "the authors' config: generator_params has no dense_motion_params; first_order always has dense motion, "
            "give the YAML that the checkpoint was trained with"
        )
    discriminator = dict(model.get("discriminator_params", {}))
    if "sn" in discriminator:
        discriminator["spectral_norm"] = discriminator.pop("sn")
    values: dict[str, Any] = {
        "keypoints": shared | {"jacobian": common.get("estimate_jacobian", False)} | _KEYPOINT_DEFAULTS | keypoints,
        "motion": shared | {"occlusion": generator.pop("estimate_occlusion_map", False)} | _MOTION_DEFAULTS | motion,
        "generator": {key: shared[key] for key in ("num_channels",) if key in shared} | generator,
        "discriminator": shared | _DISCRIMINATOR_DEFAULTS | discriminator,
    }
    if frames:
        values["frames"] = frames
    if train is not None:
        values["objective"] = _objective(train)
    return FirstOrderConfig.parse(values, origin="the authors' config")


def _objective(train: Mapping[str, Any]) -> dict[str, Any]:
    transform = train.get("transform_params", {})
    objective: dict[str, Any] = dict(train.get("loss_weights", {}))
    objective["scales"] = train.get("scales", (1,))
    objective["sigma_affine"] = transform.get("sigma_affine", 0.05)
    # Without these two their transform is affine only.
    objective["sigma_thin_plate"] = transform.get("sigma_tps", 0) if "points_tps" in transform else 0
    objective["grid_points"] = transform.get("points_tps", 5)
    for ours, theirs in (("generator", "generator"), ("discriminator", "discriminator"), ("keypoints", "kp_detector")):
        if f"lr_{theirs}" in train:
            objective[f"lr_{ours}"] = train[f"lr_{theirs}"]
    return objective


def _scale_spellings(scale: float) -> tuple[str, ...]:
    """Names of a scale's network: "0-5"; "1" or "1-0" as the YAML wrote it."""
    spellings = (str(int(scale)), str(float(scale))) if scale == int(scale) else (str(scale),)
    return tuple(spelling.replace(".", "-") for spelling in spellings)


def _rename(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
