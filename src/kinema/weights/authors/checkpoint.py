"""Converts an authors' checkpoint and YAML file to a model folder; this is the only place that unpickles anything."""

from __future__ import annotations

import hashlib
import re
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.config import read_mapping
from kinema.ops.pyramid import antialias_kernel
from kinema.systems.system import System, find_system
from kinema.weights.authors import monkey_net as authors_monkey_net
from kinema.weights.authors import playable as authors_playable
from kinema.weights.authors.co_part import convert_co_part_config, rename_reconstruction, rename_segmentation
from kinema.weights.authors.first_order import convert_config, rename_generator, rename_keypoints, rename_motion
from kinema.weights.model_folder import save_model

# Errors of torch for truncated files and for files of other kinds.
_DAMAGED = (
    *(UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError),
    *(AssertionError, OverflowError, struct.error),
)
# Parts of NumPy numbers, which training scripts save beside the tensors (an epoch, the best loss). They run no code.
_PLAIN_NUMBERS: list[Any] = [
    (multiarray.scalar, "numpy.core.multiarray.scalar"),
    (multiarray.scalar, "numpy._core.multiarray.scalar"),
    (multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),
    (multiarray._reconstruct, "numpy._core.multiarray._reconstruct"),
    np.dtype,
    np.ndarray,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")),
]
_MAX_GROWTH = 2
# Messages of torch's restricted unpickler when it refuses anything but tensors, numbers and plain containers.
_REFUSED = re.compile(r"(?:unsupported global: GLOBAL|unsupported GLOBAL) (\S+)", re.IGNORECASE)
_NOT_TENSORS = ("Can only create new object", "Can only build Tensor", "Trying to call reduce")

# The system of a checkpoint if none is given.
DEFAULT_SYSTEM = "first_order"
_COUNTS_BATCHES = "num_batches_tracked"
_YAML_HINT = "give the YAML file that the checkpoint was trained with, such as the authors' config/vox-256.yaml"


@dataclass(frozen=True)
class Imported:
    """An imported checkpoint.

    Attributes:
        folder: the model folder.
        config: resolved config.
        epoch: epoch after which the checkpoint was written, or None if it is not stated.
        num_weights: number of weights in the inference networks.
    """

    folder: Path
    config: Any
    epoch: int | None
    num_weights: int


@dataclass(frozen=True)
class _Converted:
    """A checkpoint under our names.

    Attributes:
        config: resolved config.
        state: our name to tensor.
        origin: our name to theirs, for messages.
    """

    config: Any
    state: dict[str, Tensor]
    origin: dict[str, str]


def import_checkpoint(
    checkpoint: Path, settings: Path, folder: Path, *, system: str = DEFAULT_SYSTEM, align_corners: bool = True
) -> Imported:
    """Writes a model folder from a checkpoint of a paper's authors.

    Args:
        checkpoint: file that their training wrote with ``torch.save``: a dict of state dicts.
        settings: their YAML file with ``model_params``; ``train_params`` and ``dataset_params`` are used where present.
            Of playable: with ``data``, ``model`` and ``training``.
        folder: model folder to write.
        system: system of the checkpoint.
        align_corners: sampling rule with which the weights were trained; True for torch before 1.3, as published.

    Returns:
        The imported model. Networks that only training needs (the discriminator) and optimizers are left out.

    Raises:
        InputError: a file is missing, is of another kind or contains code, or the two do not fit each other.
    """
    chosen = find_system(system)
    if system not in _CONVERTERS:
        raise InputError(f"checkpoints of {system} cannot be imported; accepted: {', '.join(_CONVERTERS)}")
    values = read_mapping(settings)
    held = read_checkpoint(checkpoint)
    converted = _CONVERTERS[system](values, held, checkpoint=checkpoint, settings=settings, align_corners=align_corners)
    _check_fit(chosen, converted, checkpoint, settings)
    stated = held.get("epoch")
    epoch = int(stated) if isinstance(stated, int | np.integer) else None
    facts = {
        "imported_from": {"checkpoint": checkpoint.name, "sha256": _sha256(checkpoint), "config": settings.name},
        "epochs": epoch,
        "align_corners": align_corners,
    }
    card = imported_card(folder.name, chosen.name, converted.config, facts)
    save_model(folder, system=chosen, config=converted.config, state=converted.state, facts=facts, card=card)
    counted = [value for name, value in converted.state.items() if not name.endswith(_COUNTS_BATCHES)]
    return Imported(folder, converted.config, epoch, sum(value.numel() for value in counted))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a file of ``torch.save`` that holds tensors, numbers and containers, and nothing else.

    Raises:
        InputError: it is missing, damaged, no torch file, or holds code or other objects; none of it has run then.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise InputError(f"{path}: {what}; give a checkpoint file such as vox-cpk.pth.tar")
    _check_packing(path)
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_PLAIN_NUMBERS):
            # Torch warns about pickle protocols; the error below says what matters.
            warnings.simplefilter("ignore")
            held = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGED as error:
        unsafe = _unsafe_content(path, str(error))
        if unsafe is not None:
            raise InputError(
                f"{path}: refused, it holds {unsafe}, which could run programs when loaded; nothing unsafe was loaded. "
                "Give a checkpoint of tensors only"
            ) from error
        raise InputError(
            f"{path}: not a file that torch can read (another kind of file, or a download cut short); "
            "give a whole .pth.tar checkpoint"
        ) from error
    if not isinstance(held, dict):
        raise InputError(f"{path}: holds {type(held).__name__}, expected a dict of state dicts by network")
    return held


def _check_packing(path: Path) -> None:
    """Refuses a zip file whose content is much larger than the file, as torch stores tensors uncompressed."""
    try:
        with zipfile.ZipFile(path) as archive:
            grown = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # written by an older torch, or not a checkpoint, which torch reports
    size = path.stat().st_size
    if grown > _MAX_GROWTH * size + 2**20:
        raise InputError(
            f"{path}: grows from {size / 2**20:.1f} MiB to {grown / 2**20:.0f} when it is opened, which "
            "checkpoints of torch do not; give the file that torch.save wrote"
        )


def _unsafe_content(path: Path, refusal: str) -> str | None:
    """Describes what torch's restricted unpickler refused; None if the file is damaged or of another kind."""
    if found := _REFUSED.search(refusal):
        return f"the code object {found[1].rstrip('.')}"
    if any(phrase in refusal for phrase in _NOT_TENSORS):
        return "objects that are no tensors"
    with path.open("rb") as file:
        is_pickle = file.read(1) == b"\x80"
    return "Python objects (a plain pickle)" if is_pickle and "Unsupported operand" in refusal else None


def _convert_first_order(
    values: Mapping[str, Any], held: Mapping[str, Any], *, checkpoint: Path, settings: Path, align_corners: bool
) -> _Converted:
    model = _model_section(
        values, settings, "common_params", "kp_detector_params", "generator_params", "discriminator_params"
    )
    config = convert_config(model, _section(values, "train_params", settings), **_frames(values, settings))
    rule = str(align_corners).lower()
    config = config.override([f"motion.align_corners={rule}", f"generator.align_corners={rule}"])
    keypoints, generator = (_network(held, name, checkpoint) for name in ("kp_detector", "generator"))
    blurs = (
        (keypoints, "kp_detector", "", config.keypoints.scale_factor),
        (generator, "generator", "dense_motion_network.", config.motion.scale_factor),
    )
    for state, network, prefix, scale in blurs:
        _check_blur(state, network, prefix + "down.weight", scale, checkpoint, settings)
    return _joined(
        config,
        ("keypoints", "kp_detector", keypoints, rename_keypoints),
        ("motion", "generator", generator, rename_motion),
        ("generator", "generator", generator, rename_generator),
    )


def _convert_co_part(
    values: Mapping[str, Any], held: Mapping[str, Any], *, checkpoint: Path, settings: Path, align_corners: bool
) -> _Converted:
    model = _model_section(
        values, settings, "common_params", "segmentation_module_params", "reconstruction_module_params"
    )
    train = _section(values, "train_params", settings)
    config = convert_co_part_config(model, train, **_frames(values, settings))
    config = config.override([f"generator.align_corners={str(align_corners).lower()}"])
    segmentation, reconstruction = (
        _network(held, name, checkpoint) for name in ("segmentation_module", "reconstruction_module")
    )
    scale = config.keypoints.scale_factor
    _check_blur(segmentation, "segmentation_module", "down.weight", scale, checkpoint, settings)
    return _joined(
        config,
        ("keypoints", "segmentation_module", segmentation, rename_segmentation),
        ("generator", "reconstruction_module", reconstruction, rename_reconstruction),
    )


def _convert_monkey_net(
    values: Mapping[str, Any], held: Mapping[str, Any], *, checkpoint: Path, settings: Path, align_corners: bool
) -> _Converted:
    model = _model_section(
        values, settings, "common_params", "kp_detector_params", "generator_params", "discriminator_params"
    )
    train = _section(values, "train_params", settings)
    config = authors_monkey_net.convert_config(
        model, train, **_frames(values, settings, field="image_shape", default=64)
    )
    rule = str(align_corners).lower()
    parts = ["generator", "discriminator", *([] if config.motion is None else ["motion"])]
    config = config.override([f"{part}.align_corners={rule}" for part in parts])
    keypoints, generator = (_network(held, name, checkpoint) for name in ("kp_detector", "generator"))
    return _joined(
        config,
        ("keypoints", "kp_detector", keypoints, authors_monkey_net.rename_keypoints),
        ("motion", "generator", generator, authors_monkey_net.rename_motion),
        ("generator", "generator", generator, authors_monkey_net.rename_generator),
    )


def _convert_playable(
    values: Mapping[str, Any], held: Mapping[str, Any], *, checkpoint: Path, settings: Path, align_corners: bool
) -> _Converted:
    sections = {name: _section(values, name, settings) for name in ("data", "model", "training")}
    missing = [name for name, section in sections.items() if section is None]
    if missing:
        raise InputError(f"{settings}: has no {missing[0]}; give the authors' configs/01_bair.yaml or such")
    renamed = authors_playable.rename_playable(_network(held, "model", checkpoint))
    config = authors_playable.convert_playable_config({name: section or {} for name, section in sections.items()})
    # Networks that only pretraining uses are not part of a model.
    kept = {name: pair for name, pair in renamed.items() if not name.startswith("state_to_hidden.")}
    state = {name: value for name, (_, value) in kept.items()}
    return _Converted(config, state, {name: f"model.{theirs}" for name, (theirs, _) in kept.items()})


_Part = tuple[str, str, Mapping[str, Tensor], Callable[[Mapping[str, Tensor]], dict[str, Tensor]]]


def _joined(config: Any, *parts: _Part) -> _Converted:
    """The weights under our names, and their origins; a part is our net, theirs, its state, and the renaming."""
    state: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    for ours, theirs, tensors, rename in parts:
        for name, value in tensors.items():
            # One by one, so that the origin of each new name is known.
            for renamed, kept in rename({name: value}).items():
                state[f"{ours}.{renamed}"] = kept
                origin[f"{ours}.{renamed}"] = f"{theirs}.{name}"
    return _Converted(config, state, origin)


_CONVERTERS: dict[str, Callable[..., _Converted]] = {
    "first_order": _convert_first_order,
    "monkey_net": _convert_monkey_net,
    "co_part": _convert_co_part,
    "playable": _convert_playable,
}


def _model_section(values: Mapping[str, Any], settings: Path, *names: str) -> Mapping[str, Any]:
    """Their ``model_params``, after a check that the named sections, if present, hold fields."""
    model = _section(values, "model_params", settings)
    if model is None:
        raise InputError(f"{settings}: has no model_params; {_YAML_HINT}")
    for name in names:
        _section(model, name, settings)
    return model


def _section(values: Mapping[str, Any], name: str, settings: Path) -> Mapping[str, Any] | None:
    section = values.get(name)
    if section is not None and not isinstance(section, dict):
        raise InputError(f"{settings}: {name} holds {type(section).__name__}, expected fields and values; {_YAML_HINT}")
    return section


def _frames(
    values: Mapping[str, Any], settings: Path, *, field: str = "frame_shape", default: int = 256
) -> dict[str, Any]:
    """Our ``frames.size`` from a field of their ``dataset_params``, which is height, width, channels."""
    shape = (_section(values, "dataset_params", settings) or {}).get(field, (default, default, 3))
    if not isinstance(shape, list | tuple) or len(shape) < 2 or not all(isinstance(side, int) for side in shape):
        raise InputError(f"{settings}: dataset_params.{field} is {shape!r}, expected [height, width, 3]")
    return {"size": tuple(shape[:2])}


def _network(held: Mapping[str, Any], name: str, checkpoint: Path) -> dict[str, Tensor]:
    """The state dict of one of their networks; the prefix that DataParallel puts before every name is taken off."""
    state = held.get(name)
    if state is None:
        found = ", ".join(str(key) for key in list(held)[:8]) or "nothing"
        raise InputError(
            f"{checkpoint}: has no '{name}', it holds: {found}; give a checkpoint of the system that --system names"
        )
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{checkpoint}: '{name}' is not a state dict, expected names and tensors")
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def _check_blur(
    state: Mapping[str, Tensor], network: str, name: str, scale: float, checkpoint: Path, settings: Path
) -> None:
    """Compares the scale with the stored blur kernel, as weights of any scale would fit."""
    stored = state.get(name)
    stored_side = 1 if stored is None else stored.shape[-1]
    side = 1 if scale == 1 else len(antialias_kernel(scale))
    if stored_side != side:
        raise InputError(
            f"{checkpoint}: {network}.{name} blurs over {stored_side} pixels, but scale_factor {scale:g} of {settings} "
            f"blurs over {side}; {_YAML_HINT}"
        )


def _check_fit(system: System, converted: _Converted, checkpoint: Path, settings: Path) -> None:
    with torch.device("meta"):
        wanted = system.make_model(converted.config).state_dict()
    state, origin = converted.state, converted.origin
    doubt = f"{checkpoint} and {settings} belong to different models; {_YAML_HINT}"
    for name, value in state.items():
        if name not in wanted:
            raise InputError(f"weight '{origin[name]}' does not occur in the config: {doubt}")
        if value.shape != wanted[name].shape:
            shapes = f"is {_by(value.shape)}, but the config needs {_by(wanted[name].shape)}"
            raise InputError(f"weight '{origin[name]}' {shapes}: {doubt}")
    for name in wanted:
        # Torch before 0.4.1 did not count batches, and inference does not use the count.
        if name not in state and not name.endswith(_COUNTS_BATCHES):
            raise InputError(f"weight '{name}' (our name) is missing: {doubt}")


def _by(shape: torch.Size) -> str:
    return "x".join(str(side) for side in shape) or "a single number"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def imported_card(name: str, system: str, config: Any, facts: Mapping[str, Any]) -> str:
    """The model card of imported weights."""
    source = facts["imported_from"]
    rows = {
        "system": system,
        "frame size (height, width)": "x".join(str(side) for side in config.size),
        "imported from": f"{source['checkpoint']} (sha256 {source['sha256'][:16]}) with {source['config']}",
        "epochs": "unknown" if facts["epochs"] is None else facts["epochs"],
        "align_corners": facts["align_corners"],
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    note = (
        "Trained by others; their licence and that of their clips decide what it may be used for.\n"
        "No figures were measured yet: `kinema evaluate MODEL FOLDER --protocol reconstruction` measures them."
    )
    return f"# {name}\n\n| what | value |\n|---|---|\n{table}\n\n{note}\n"
