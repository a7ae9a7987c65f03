"""Finds models by name: those that ship with the package, and the folders of users."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinema.core.checks import InputError
from kinema.core.config import read_mapping
from kinema.systems import UNTRAINED

# Files of a model folder; defined here because this module can be imported without torch.
WEIGHTS, SETTINGS, CARD = "model.safetensors", "model.json", "README.md"
FOLDER_FORM = f"{WEIGHTS} (weights), {SETTINGS} (system, config, facts of the training), {CARD} (model card)"

# Files that a user may add; they stay when the model is written again.
ACTIONS, STARTS = "actions.json", "starts"

FILES = Path(__file__).parent / "files"

# The folder of a run in which `kinema learn` writes its model.
MODEL_OF_RUN = "model"


@dataclass(frozen=True)
class ShippedModel:
    """A model that comes with the package.

    Attributes:
        name: name of the model.
        folder: its model folder.
        system: name of its system.
        size: (height, width) of the frames that it learned from.
        num_bytes: size of its weights.
        facts: facts of its training: data, steps, seed, figures, ...
    """

    name: str
    folder: Path
    system: str
    size: tuple[int, int] | None
    num_bytes: int
    facts: dict[str, Any]


def shipped_models(files: Path = FILES) -> tuple[ShippedModel, ...]:
    """The models that come with the package, by name.

    Args:
        files: folder of model folders.

    Raises:
        InputError: the settings of a model are damaged.
    """
    folders = sorted(path.parent for path in files.glob(f"*/{SETTINGS}") if (path.parent / WEIGHTS).is_file())
    return tuple(_describe(folder) for folder in folders)


def find_model(model: str | Path, files: Path = FILES) -> Path:
    """Finds the folder of a model.

    Args:
        model: name of a shipped model, a model folder, or the folder of a run that has written a model. A name
            takes precedence over a folder of that name; write "./NAME" for the folder.
        files: folder of the shipped models.

    Raises:
        InputError: there is no such model; the message lists the shipped ones.
    """
    names = [shipped.name for shipped in shipped_models(files)]
    if str(model) in names:
        return files / str(model)
    folder = Path(model)
    for candidate in (folder, folder / MODEL_OF_RUN):
        if (candidate / SETTINGS).is_file():
            return candidate
    known = f"shipped models: {', '.join(names) or 'none'}"
    if (folder / "config.json").is_file():
        raise InputError(
            f"{folder}: this run has no model yet; its first checkpoint will write {MODEL_OF_RUN}/; {known}"
        )
    if folder.is_dir():
        raise InputError(f"{folder}: is not a model folder, which has {FOLDER_FORM}; {known}")
    raise InputError(f"model '{model}' is unknown; give a model folder, the folder of a run, or a name; {known}")


def read_system(folder: Path) -> str:
    """Reads the name of a model folder's system.

    Raises:
        InputError: its settings are damaged.
    """
    system = read_mapping(folder / SETTINGS).get("system")
    if not isinstance(system, str):
        raise InputError(f"{folder / SETTINGS}: names no system; it is not the settings of a kinema model")
    return system


def _describe(folder: Path) -> ShippedModel:
    settings = read_mapping(folder / SETTINGS)
    try:
        config = settings["config"]
        height, width = config["frames"]["size"] if settings["system"] not in UNTRAINED else (0, 0)
        return ShippedModel(
            name=folder.name,
            folder=folder,
            system=str(settings["system"]),
            size=(int(height), int(width)) if height else None,
            num_bytes=(folder / WEIGHTS).stat().st_size,
            facts=dict(settings.get("facts") or {}),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / SETTINGS}: not the settings of a kinema model; install kinema again") from error
