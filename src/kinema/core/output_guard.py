"""Checks whether an output may be written: never over an input, over existing files only if that is allowed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from kinema.core.checks import InputError

_NAME_BYTES = 255
_NUMBER = re.compile(r"%0?\d*d")


class OutputExistsError(InputError):
    """The output exists already and was not allowed to be replaced."""


def check_output(output: Path, *, inputs: Iterable[Path], overwrite: bool) -> None:
    """Refuses an output that would destroy something.

    Args:
        output: file, folder, or pattern of numbered files such as ``frames/%05d.png``.
        inputs: files and folders that are read; those that do not exist are ignored.
        overwrite: whether an existing file, or a folder that is not empty, may be replaced.

    Raises:
        InputError: the output is an input (even by a link or another spelling), lies inside an input folder, is a
            folder that holds an input, or has a name that no file can have.
        OutputExistsError: it exists and ``overwrite`` is not set.
    """
    check_name(output)
    for given in inputs:
        _check_apart(output, given)
    if not overwrite and (what := what_is_there(output)):
        raise OutputExistsError(f"{output}: {what}; give another output, or -y (--overwrite) to replace it")


def check_name(path: Path) -> None:
    """Refuses a file name that is too long for file systems, which otherwise would fail only at the end.

    Raises:
        InputError: the message says how long the name is.
    """
    length = len(os.fsencode(path.name))
    if length > _NAME_BYTES:
        raise InputError(f"{path}: the name has {length} bytes, file systems take {_NAME_BYTES}; give a shorter one")


def what_is_there(output: Path) -> str | None:
    """Describes what an output would replace; None if nothing."""
    if (numbered := _pattern(output)) is not None:
        found = [name for name in _names(output.parent) if numbered.fullmatch(name)]
        return f"{len(found)} files of this pattern exist" if found else None
    if output.is_dir():
        return "exists and is not empty" if any(output.iterdir()) else None
    return "exists" if os.path.lexists(output) else None


def _check_apart(output: Path, given: Path) -> None:
    if not _exists(given):
        return
    numbered = _pattern(output)
    same = _same(output, given) or (
        numbered is not None and numbered.fullmatch(given.name) and _same(output.parent, given.parent)
    )
    if same:
        raise InputError(f"{output}: is the input {given} itself, which would be destroyed; give another output")
    if given.is_dir() and any(_same(parent, given) for parent in _above(output)):
        raise InputError(f"{output}: lies inside the input folder {given}; give an output elsewhere")
    if output.is_dir() and any(_same(parent, output) for parent in _above(given)):
        raise InputError(f"{output}: is a folder that holds the input {given}; give another output")


def _above(path: Path) -> list[Path]:
    """All folders above a path, links followed."""
    folder = Path(os.path.realpath(path.parent))
    return [folder, *folder.parents]


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are the same file or folder, even by hard or symbolic links or another spelling."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # for example, the name is too long; reading the file reports that


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _pattern(output: Path) -> re.Pattern[str] | None:
    """An expression that matches the file names of a pattern such as ``%05d.png``; None for a plain path."""
    if output.suffix.lower() != ".png" or len(_NUMBER.findall(output.name)) != 1:
        return None
    before, after = _NUMBER.split(output.name)
    return re.compile(re.escape(before) + r"\d+" + re.escape(after))
