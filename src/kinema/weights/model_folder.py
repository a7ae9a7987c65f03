"""Reads and writes model folders: weights as safetensors, the config as JSON, and a model card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from kinema.core.atomic_output import one_line, put_in_place, remove, temporary_beside
from kinema.core.checks import InputError
from kinema.core.config import Config, read_mapping
from kinema.core.tensor_file import write_tensors
from kinema.systems.system import System, find_system
from kinema.weights.catalogue import ACTIONS, CARD, SETTINGS, STARTS, WEIGHTS

_MAX_BLOCKS, _MAX_SIZE = 256, 100_000


@dataclass(frozen=True)
class StoredModel:
    """The content of a model folder.

    Attributes:
        system: the system of the model.
        config: resolved config.
        state: name to float32 tensor of the inference networks.
        facts: facts of its training: data, steps, seed, perceptual network, ...
    """

    system: System
    config: Config
    state: dict[str, Tensor]
    facts: dict[str, Any]


def save_model(
    folder: Path,
    *,
    system: System,
    config: Config,
    state: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    card: str,
    half: bool = False,
) -> None:
    """Writes a model folder in place of an older model there, whose names of actions and starts are kept.

    Args:
        folder: folder to write.
        system: the system of the model.
        config: resolved config.
        state: name to tensor; batch counters of norms are left out, as inference does not use them.
        facts: JSON values for ``model.json``.
        card: Markdown for ``README.md``.
        half: store float16, which needs half the space; it is loaded as float32.

    Raises:
        InputError: ``folder`` exists and is not a model folder, or it cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and ((folder / SETTINGS).is_file() or not any(folder.iterdir()))):
        raise InputError(f"{folder} exists and is not a model folder; give a new folder")
    kept = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    tensors = {
        name: (value.half() if half and value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in kept.items()
    }
    settings = {"kinema": 1, "system": system.name, "config": config.model_dump(mode="json"), "facts": dict(facts)}
    partial = temporary_beside(folder)
    try:
        with one_line(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            partial.mkdir()
            write_tensors(partial / WEIGHTS, tensors)
            (partial / WEIGHTS).chmod(0o644)  # safetensors makes the file readable for its owner only
            (partial / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
            (partial / CARD).write_text(card, encoding="utf-8")
            if (folder / ACTIONS).is_file():
                shutil.copyfile(folder / ACTIONS, partial / ACTIONS)
            if (folder / STARTS).is_dir():
                shutil.copytree(folder / STARTS, partial / STARTS)
            put_in_place(partial, folder)
    finally:
        remove(partial)


def read_model(folder: Path) -> StoredModel:
    """Reads a model folder; nothing in it is executed or unpickled.

    Raises:
        InputError: a file is missing, damaged, or of another kind.
    """
    if not (folder / SETTINGS).is_file() or not (folder / WEIGHTS).is_file():
        raise InputError(f"{folder} is not a model folder: it needs {SETTINGS} and {WEIGHTS}")
    settings = read_mapping(folder / SETTINGS)
    if settings.get("kinema") != 1 or not isinstance(settings.get("config"), dict):
        raise InputError(f"{folder / SETTINGS}: not the settings of a kinema model in a format that this version reads")
    try:
        system = find_system(str(settings.get("system")))
    except InputError as error:
        raise InputError(f"{folder / SETTINGS}: {error}; a newer kinema may read it") from error
    facts = settings.get("facts") or {}
    if not isinstance(facts, dict):
        raise InputError(f"{folder / SETTINGS}: facts is {type(facts).__name__}, expected fields and values")
    _check_counts(settings["config"], folder / SETTINGS)
    config = system.config.parse(settings["config"], origin=str(folder / SETTINGS))
    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{folder / WEIGHTS}: not readable as safetensors ({reason}); get the model again") from error
    state = {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    for name, value in state.items():
        if not value.isfinite().all():
            raise InputError(f"{folder / WEIGHTS}: '{name}' holds numbers that are not finite; get the model again")
    return StoredModel(system, config, state, facts)


def _check_counts(values: Any, path: Path, name: str = "config") -> None:
    """Refuses sizes of networks that would need too much memory or time, before anything is built."""
    if isinstance(values, dict):
        for field, value in values.items():
            _check_counts(value, path, f"{name}.{field}")
    elif isinstance(values, list):
        for value in values:
            _check_counts(value, path, name)
    elif isinstance(values, int) and not isinstance(values, bool):
        last = name.rpartition(".")[2]
        most = _MAX_BLOCKS if last.startswith("num_") and "block" in last else _MAX_SIZE
        is_schedule = {"train", "schedule", "objective"} & set(name.split(".")) or "steps" in last or "seed" in last
        if values > most and not is_schedule:
            raise InputError(f"{path}: {name} is {values}, but at most {most} is accepted; get the model again")


def build_model(stored: StoredModel) -> torch.nn.Module:
    """The inference networks with their weights, in evaluation mode.

    Raises:
        InputError: the weights do not fit the config.
    """
    # Built without memory first, so that a config that does not fit the weights allocates nothing.
    with torch.device("meta"):
        planned = stored.system.make_model(stored.config)
    _check_fit(planned, stored)
    model = stored.system.make_model(stored.config)
    model.load_state_dict(stored.state, strict=False)
    return model.eval()


def _check_fit(model: torch.nn.Module, stored: StoredModel) -> None:
    wanted = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    wrong = [f"missing {name}" for name in wanted if name not in stored.state]
    wrong += [f"unexpected {name}" for name in stored.state if name not in wanted]
    wrong += [
        f"{name} is {tuple(stored.state[name].shape)} instead of {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in stored.state and stored.state[name].shape != value.shape
    ]
    if wrong:
        raise InputError(f"the weights do not fit the config of this {stored.system.name} model: {wrong[0]}")
