"""Translates the weight names and settings of AliaksandrSiarohin/motion-cosegmentation to ours, without loss."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from kinema.systems.co_part.config import CoPartConfig
from kinema.weights.authors.first_order import rename_generator

# Their name -> ours, applied in order; other names stay.
_SEGMENTATION = (
    (r"^predictor\.(?:encoder|decoder)\.", "hourglass."),
    (r"^shift\.", "heatmap_head."),
    (r"^affine\.", "jacobian_head."),
    (r"^segmentation\.", "segmentation_head."),
)


def rename_segmentation(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State of their ``segmentation_module`` under our names; their blur kernel is computed here and dropped."""
    renamed = {}
    for name, value in state.items():
        if name == "down.weight":
            continue
        for pattern, replacement in _SEGMENTATION:
            name = re.sub(pattern, replacement, name)
        renamed[name] = value
    return renamed


def rename_reconstruction(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State of their ``reconstruction_module`` under our names."""
    return rename_generator(state)


def convert_co_part_config(model: Mapping[str, Any], train: Mapping[str, Any] | None, **frames: Any) -> CoPartConfig:
    """Their YAML's ``model_params`` and ``train_params`` as our config.

    Args:
        model: ``common_params``, ``segmentation_module_params``, ``reconstruction_module_params``.
        train: ``scales``, ``loss_weights``, ``transform_params`` and rates; None keeps our defaults.
        frames: fields of the config's ``frames``, such as ``size``.

    Raises:
        InputError: a field is unknown or out of range.
    """
    common = model.get("common_params") or {}
    shared = {key: common[key] for key in ("num_channels",) if key in common}
    parts = {"num_parts": common["num_segments"]} if "num_segments" in common else {}
    generator = dict(model.get("reconstruction_module_params") or {})
    values: dict[str, Any] = {
        "visibility": generator.pop("estimate_visibility", False),
        "keypoints": shared
        | parts
        | {"affine": common.get("estimate_affine_part", False), "scale_factor": 1}
        | dict(model.get("segmentation_module_params") or {}),
        "generator": shared | generator,
    }
    if frames:
        values["frames"] = frames
    if train is not None:
        transform = train.get("transform_params") or {}
        objective = dict(train.get("loss_weights") or {}) | {
            "scales": train.get("scales", (1,)),
            "sigma_affine": transform.get("sigma_affine", 0.05),
            # Without these two their transform is affine only.
            "sigma_thin_plate": transform.get("sigma_tps", 0) if "points_tps" in transform else 0,
            "grid_points": transform.get("points_tps", 5),
        }
        for ours, theirs in (("generator", "reconstruction"), ("keypoints", "segmentation")):
            if f"lr_{theirs}" in train:
                objective[f"lr_{ours}"] = train[f"lr_{theirs}"]
        values["objective"] = objective
    return CoPartConfig.parse(values, origin="the authors' config")
