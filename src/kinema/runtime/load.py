"""Loads a model by name or folder as the pipeline that users call."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import torch

from kinema.core.checks import InputError
from kinema.systems import SYSTEMS
from kinema.systems.familiarity import FILE_NAME, Familiarity
from kinema.systems.system import find_system
from kinema.weights.catalogue import WEIGHTS, find_model, read_system
from kinema.weights.model_folder import build_model, read_model

Precision = Literal["float32", "bfloat16"]


def load(model: str | Path, *, device: str = "auto", precision: Precision = "float32") -> Any:
    """Loads a model for inference.

    Args:
        model: name of a shipped model (``kinema models`` lists them), a model folder, or the folder of a run.
        device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", "mps".
        precision: of the forward pass.

    Returns:
        The pipeline of the model's system, such as
        :class:`kinema.systems.first_order.pipeline.FirstOrderPipeline`.

    Raises:
        InputError: there is no such model, device or precision, or the folder is damaged.
    """
    from kinema.runtime.optimize import prepare_for_inference

    if precision not in ("float32", "bfloat16"):
        raise InputError(f"precision '{precision}' is unknown; accepted: float32, bfloat16")
    folder = find_model(model)
    stored = read_model(folder)
    network = prepare_for_inference(build_model(stored))
    pipeline = stored.system.make_pipeline(network, device=find_device(device), precision=getattr(torch, precision))
    with (folder / WEIGHTS).open("rb") as weights:
        pipeline.digest = hashlib.file_digest(weights, "sha256").hexdigest()
    if (folder / FILE_NAME).is_file():
        pipeline.familiarity = Familiarity.read(folder / FILE_NAME)
    return pipeline


def find_serving(verb: str, model: str | Path) -> Path:
    """Finds the folder of a model, and checks that it serves a command.

    Args:
        verb: the command, such as "animate".
        model: as in :func:`load`.

    Raises:
        InputError: there is no such model, or its system does not serve the command; the message lists those that do.
    """
    folder = find_model(model)
    system = find_system(read_system(folder))
    if verb not in system.abilities:
        able = [name for name in SYSTEMS if verb in find_system(name).abilities]
        raise InputError(
            f"{model} is a {system.name} model, which serves {' and '.join(system.abilities)}; "
            f"`kinema {verb}` needs a model of {' or '.join(able)}"
        )
    return folder


def load_for(verb: str, model: str | Path, *, device: str = "auto", precision: Precision = "float32") -> Any:
    """Loads a model for a command; see :func:`load`.

    Raises:
        InputError: as in :func:`load`, or the system does not serve the command; the message lists those that do.
    """
    return load(find_serving(verb, model), device=device, precision=precision)


def find_device(name: str) -> torch.device:
    """Finds a device by its name; "auto" prefers CUDA, then Apple's MPS, then the CPU.

    Raises:
        InputError: the name is not a device, or the device is not available.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"device '{name}' cannot be used ({reason}); accepted: auto, cpu, cuda, cuda:N, mps"
        ) from error
    return device
