"""Keeps the names of a model's actions in a file beside its weights."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

from pydantic import Field

from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.weights.catalogue import ACTIONS

MAX_NAME_LENGTH = 24
# An action with one of these names is the one that means to stay.
NOOP_NAMES = ("stay", "noop", "no-op", "none", "still", "wait", "idle", "nothing")


class ActionNames(Config):
    """The file ``actions.json`` of a model folder."""

    kinema_actions: int = Field(default=1, ge=1, le=1, description="format")
    names: tuple[str, ...] = Field(min_length=2, description="one for each action, in their order")
    noop: int | None = Field(
        default=None, ge=0, description="the action that means to stay; none: there is no such action"
    )

    @property
    def numbered(self) -> bool:
        """Whether the actions have only their numbers as names."""
        return self.names == _numbers(len(self.names))

    def index(self, name: str) -> int:
        """The action with a name, or with a number counted from 1 like the keys.

        Raises:
            InputError: there is no such action.
        """
        if name in self.names:
            return self.names.index(name)
        if re.fullmatch("[0-9]+", name) and 1 <= int(name) <= len(self.names):
            return int(name) - 1
        raise InputError(f"action '{name}' is unknown; known: {', '.join(self.names)}, or 1 to {len(self.names)}")


def read_names(folder: Path, num_actions: int) -> ActionNames:
    """Reads the names of a model's actions; "1", "2" ... if it has no file of names.

    Args:
        folder: the model folder.
        num_actions: number of actions of the model.

    Raises:
        InputError: the file is damaged, or names another number of actions.
    """
    path = folder / ACTIONS
    if not path.is_file():
        return ActionNames(names=_numbers(num_actions))
    names = ActionNames.read(path)
    try:
        return make_names(names.names, num_actions, noop=names.noop)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def make_names(names: tuple[str, ...], num_actions: int, *, noop: int | None = None) -> ActionNames:
    """Checks names for actions.

    Args:
        names: one for each action.
        num_actions: number of actions of the model.
        noop: the action that means to stay; None: the one whose name means it, if there is one.

    Raises:
        InputError: there are too many or too few names, two are equal, one is empty or too long, or there is no
            action ``noop``.
    """
    tidy = tuple(" ".join(name.split()) for name in names)
    if len(tidy) != num_actions:
        raise InputError(f"{len(tidy)} names for {num_actions} actions; give {num_actions}, separated by commas")
    for name in tidy:
        if not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
            raise InputError(f"'{name}' cannot name an action; give 1 to {MAX_NAME_LENGTH} printable letters")
    if len(set(tidy)) < len(tidy):
        twice = next(name for name in tidy if tidy.count(name) > 1)
        raise InputError(f"two actions are named '{twice}'; give each its own name")
    if noop is not None and not 0 <= noop < num_actions:
        raise InputError(f"noop {noop} is not an action; accepted: 0 to {num_actions - 1}")
    if noop is None:
        noop = next((index for index, name in enumerate(tidy) if name.casefold() in NOOP_NAMES), None)
    return ActionNames(names=tidy, noop=noop)


def write_names(folder: Path, names: ActionNames) -> None:
    """Writes the names into a model folder, whole or not at all.

    Raises:
        InputError: the folder cannot be written to, which may be so for a shipped model.
    """
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{ACTIONS}.", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(names.model_dump(mode="json"), indent=2) + "\n")
        os.chmod(partial, 0o644)
        os.replace(partial, folder / ACTIONS)
    except OSError as error:
        raise InputError(
            f"{folder / ACTIONS}: cannot be written ({error.strerror}); name the actions of a copy of the folder"
        ) from error


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))
