"""Saves and restores the complete state of a run, in one safetensors file that is written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from kinema.core.checks import InputError
from kinema.core.tensor_file import write_tensors
from kinema.train.average import WeightAverage

PATTERN = "step-*.safetensors"


def save_checkpoint(
    path: Path,
    *,
    step: int,
    nets: nn.ModuleDict,
    optimizers: Mapping[str, torch.optim.Optimizer],
    average: WeightAverage | None,
    config_json: str,
) -> None:
    """Writes networks, optimisers and averaged weights; ``path`` appears whole or not at all.

    Args:
        path: path of the file.
        step: number of finished steps.
        nets: the system's networks.
        optimizers: phase name to optimiser.
        average: averaged weights, if the run keeps them.
        config_json: resolved config, stored as metadata.

    Raises:
        OSError: the file cannot be written, such as on a full disk.
    """
    tensors = {f"nets/{name}": value for name, value in nets.state_dict().items()}
    if average is not None:
        tensors |= {f"average/{name}": value for name, value in average.state().items()}
    for phase, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizers/{phase}/{index}/{key}": value for key, value in state.items()}
    # safetensors refuses tensors that are not contiguous, such as channels-last ones.
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    partial = path.with_suffix(".partial")
    try:
        write_tensors(partial, contiguous, {"step": str(step), "config": config_json})
        with partial.open("rb") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def load_checkpoint(
    path: Path,
    *,
    nets: nn.ModuleDict,
    optimizers: Mapping[str, torch.optim.Optimizer],
    average: WeightAverage | None,
) -> int:
    """Restores a checkpoint.

    Args:
        path: path of the file.
        nets: networks to fill.
        optimizers: phase name to optimiser to fill.
        average: averaged weights to fill, if the run keeps them.

    Returns:
        Number of steps that were finished when it was written.

    Raises:
        InputError: the file is damaged, or its networks are different.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}
            step = int((handle.metadata() or {})["step"])
        nets.load_state_dict(_below(tensors, "nets/"))
        if average is not None:
            average.load(_below(tensors, "average/"))
        for phase, optimizer in optimizers.items():
            _load_optimizer(optimizer, _below(tensors, f"optimizers/{phase}/"))
    except (SafetensorError, RuntimeError, KeyError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: not a checkpoint of this config ({reason}); resume with the run's own settings, "
            "or delete a damaged file to resume from the one before"
        ) from error
    return step


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the latest step in ``folder``, None if there is none."""
    return max(folder.glob(PATTERN), default=None)


def prune_checkpoints(folder: Path, keep: int) -> None:
    """Removes all but the ``keep`` newest checkpoints."""
    for old in sorted(folder.glob(PATTERN))[:-keep]:
        old.unlink(missing_ok=True)


def read_config(path: Path) -> dict[str, Any]:
    """The resolved config that a checkpoint was written with."""
    with safe_open(path, framework="pt") as handle:
        return json.loads((handle.metadata() or {})["config"])


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split("/")
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if value.shape == parameter.shape:
                # The fused kernel reads both in memory order: contiguous moments of a channels-last weight would be
                # applied to the wrong elements without any error.
                values[key] = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
