"""Translates the weight names and settings of willi-menapace/PlayableVideoGeneration to ours, without loss."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.systems.playable.config import PlayableConfig

# Their name -> ours, applied in order; other names stay.
_RESIDUAL = (
    (r"\.bn([12])\.", r".norm\1."),
    (r"\.downsample\.0\.", ".skip_conv."),
    (r"\.downsample\.2\.", ".skip_norm."),
)
_NAMES = (
    *_RESIDUAL,
    (r"^action_network\.0\.residuals\.", "action_network.blocks."),
    (r"^action_network\.0\.(mean|variance)_fc\.", r"action_network.\1."),
    (r"^action_network\.0\.final_fc\.", "action_network.classify."),
    (r"^representation_network\.conv1\.", "representation.first."),
    (r"^representation_network\.norm1\.", "representation.norm."),
    (r"^representation_network\.residuals\.", "representation.blocks."),
    (r"^rendering_network\.upsample_blocks\.2\.", "renderer.blocks.2.0."),
    (r"^rendering_network\.upsample_blocks\.", "renderer.blocks."),
    (r"^rendering_network\.final_blocks\.(\d)\.conv\.", r"renderer.pictures.\1."),
    (r"^centroid_estimator\.estimated_centroids$", "centroids.value"),
    (r"^state_to_hidden_state_layer\.0\.", "state_to_hidden."),
)
_RECURRENT, _BETWEEN = ("fine", "coarse", "last"), ("down", "up", "out")
_GATES = ("input", "forget", "output", "cell")
_CELL = re.compile(r"^dynamics_network\.recurrent_layers_blocks\.(\d)\.0\.(.+)$")
_NORM = re.compile(r"^dynamics_network\.(recurrent_layers|non_recurrent)_blocks\.(\d)\.(?:1|norm1|norm)\.(.+)$")
_CONV = re.compile(r"^dynamics_network\.non_recurrent_blocks\.(\d)\.conv1?\.weight$")

Renamed = dict[str, tuple[str, Tensor]]
"""Our name to theirs and the tensor."""


def rename_playable(state: Mapping[str, Tensor]) -> Renamed:
    """The state of their model under our names.

    If several of their tensors are joined to one of ours (the gates), the name of the first is given. If one is split
    (kernels over maps and over the action), both have its name.

    Raises:
        InputError: it has no centroids, whose shape gives the number of inputs for an action.
    """
    centroids = state.get("centroid_estimator.estimated_centroids")
    if centroids is None or centroids.ndim != 2:
        raise InputError("the model has no centroid_estimator.estimated_centroids (A, d); give a checkpoint of CADDY")
    action_inputs = sum(centroids.shape)
    renamed: Renamed = {}
    gates: dict[tuple[str, str], dict[str, tuple[str, Tensor]]] = {}
    for name, value in state.items():
        ours = name
        for pattern, replacement in _NAMES:
            ours = re.sub(pattern, replacement, ours)
        if cell := _CELL.match(ours):
            layer = f"dynamics.{_RECURRENT[int(cell[1])]}"
            if cell[2].startswith("cell."):
                gate, kind = cell[2].removeprefix("cell.").split("_gate.")
                gates.setdefault((layer, kind), {})[gate] = (name, value)
            else:
                initial = {"initial_hidden_state": "initial_hidden", "initial_hidden_cell_state": "initial_cell"}
                renamed[f"{layer}.{initial.get(cell[2], cell[2])}"] = (name, value)
        elif norm := _NORM.match(ours):
            place = 2 * int(norm[2]) + (norm[1] == "non_recurrent")
            renamed[f"dynamics.norms.{place}.{norm[3]}"] = (name, value)
        elif conv := _CONV.match(ours):
            _split_kernel(renamed, f"dynamics.{_BETWEEN[int(conv[1])]}", name, value, action_inputs, after=0)
        else:
            renamed[ours] = (name, value)
    for (layer, kind), found in gates.items():
        _join_gates(renamed, layer, kind, found, action_inputs)
    return renamed


def _join_gates(
    renamed: Renamed, layer: str, kind: str, found: Mapping[str, tuple[str, Tensor]], action_inputs: int
) -> None:
    missing = [gate for gate in _GATES if gate not in found]
    if missing:
        raise InputError(f"the model's {layer} has no {missing[0]}_gate.{kind}; give a whole checkpoint of CADDY")
    name, first = found[_GATES[0]]
    joined = torch.cat([found[gate][1] for gate in _GATES])
    if kind == "bias":
        renamed[f"{layer}.gates.bias"] = (name, joined)
    else:
        # Their channels are state, action, variation, memory; a gate has as many outputs as the memory has channels.
        _split_kernel(renamed, f"{layer}.gates", name, joined, action_inputs, after=len(first))


def _split_kernel(renamed: Renamed, layer: str, name: str, kernel: Tensor, action_inputs: int, *, after: int) -> None:
    """Separates the input channels of the action, which ``after`` others follow, from a (C', C, 3, 3) kernel."""
    before = kernel.shape[1] - action_inputs - after
    if before < 1:
        raise InputError(
            f"weight '{name}' has {kernel.shape[1]} input channels, too few for {action_inputs} of the action"
        )
    first, action, last = kernel.split([before, action_inputs, after], dim=1)
    renamed[f"{layer}.weight"] = (name, torch.cat([first, last], dim=1))
    renamed[f"{layer}.vector_weight"] = (name, action.clone())


def convert_playable_config(values: Mapping[str, Any]) -> PlayableConfig:
    """Their YAML file as our config.

    Args:
        values: its ``data``, ``model`` and ``training`` sections.

    Raises:
        InputError: a field is missing, out of range, or has a value that is not supported.
    """
    try:
        ours = _fields(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"the authors' config lacks {error} or has an unexpected value there; give one of their complete YAML files"
        ) from error
    return PlayableConfig.parse(ours, origin="the authors' config")


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    model, training, data = values["model"], values["training"], values["data"]
    network = model["action_network"]
    for given, accepted, what in (
        (network.get("ensamble_size", 1), 1, "model.action_network.ensamble_size"),
        (network.get("use_gumbel", True), True, "model.action_network.use_gumbel"),
    ):
        if given != accepted:
            raise InputError(f"{what} {given} is not supported, accepted: {accepted}")
    smooth = "smooth_mi" in training.get("trainer", "")
    state, hidden = model["representation_network"], model["dynamics_network"]["hidden_state_size"]
    action_sizes = {"num_actions": data["actions_count"], "action_space": network["action_space_dimension"]}
    states = {"state_features": state["state_features"]}
    width, height = state["target_input_size"]
    return {
        "frames": {"size": (height, width), "skip": training["batching"].get("skip_frames", 0)},
        "representation": states | {"stack": training["batching"].get("observation_stacking", 1)},
        "actions": states | action_sizes,
        "centroids": action_sizes | {"rate": model["centroid_estimator"]["alpha"]},
        "dynamics": states | action_sizes | {"hidden_features": hidden, "size": tuple(state["state_resolution"])},
        "renderer": {"hidden_features": hidden},
        "variations": network.get("use_variations", True),
        "hard_actions": network.get("hard_gumbel", False),
        "objective": {
            "pretraining": _losses(training["loss_weights"], "_pretraining"),
            "full": _losses(training["loss_weights"], ""),
            "motion_bias": training.get("motion_weights_bias", 0.0) if training.get("use_motion_weights") else None,
            "joint_rate": training["mutual_information_estimation_alpha"] if smooth else 1.0,
            "marginal_entropy": training.get("action_mutual_information_entropy_lambda", 1.0),
            "learning_rate": training["learning_rate"],
            "weight_decay": training["weight_decay"],
        },
        "schedule": _schedule(training),
        "train": {
            "steps": training["max_steps"],
            "batch_size": training["batching"]["batch_size"],
            "schedule": "constant",
        },
    }


def _losses(weights: Mapping[str, float], phase: str) -> dict[str, Any]:
    """Our weights of a phase; their L1 is of frames in [-1, 1]."""
    perceptual = weights[f"perceptual_loss_lambda{phase}"]
    return {
        "pixel": 2 * weights[f"reconstruction_loss_lambda{phase}"],
        # Their code sums the maps into the first one in place and then sums all again, so the others count twice.
        "perceptual": tuple(times * perceptual for times in (1, 2, 2, 2, 2)),
        "state": weights[f"states_rec_lambda{phase}"],
        "hidden": weights.get(f"hidden_states_rec_lambda{phase}", 0.0),
        "entropy": weights[f"entropy_lambda{phase}"],
        "direction_kl": weights[f"action_directions_kl_lambda{phase}"],
        "mutual_information": weights[f"action_mutual_information_lambda{phase}"],
        "state_kl": weights[f"action_state_distribution_kl_lambda{phase}"],
    }


def _schedule(training: Mapping[str, Any]) -> dict[str, Any]:
    batching = training["batching"]
    return {
        "pretraining_steps": training["pretraining_steps"],
        "length_start": batching["observations_count_start"],
        "length_end": batching["observations_count"],
        "length_steps": batching["observations_count_steps"],
        "real_start": training["ground_truth_observations_start"],
        "real_end": training["ground_truth_observations_end"],
        "real_steps": training["ground_truth_observations_steps"],
        "temperature_start": training["gumbel_temperature_start"],
        "temperature_end": training["gumbel_temperature_end"],
        "temperature_steps": training["gumbel_temperature_steps"],
    }
