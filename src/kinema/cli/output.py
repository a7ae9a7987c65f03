"""Defines the option ``-y`` of every verb that writes, and asks without it before a file is replaced."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from kinema.core.checks import InputError
from kinema.core.output_guard import OutputExistsError, check_output

Overwrite = Annotated[bool, typer.Option("-y", "--overwrite", help="Replace an output that exists, without asking.")]


def claim(*outputs: Path | None, inputs: Iterable[Path | None] = (), overwrite: bool) -> bool:
    """Refuses outputs that would destroy an input, asks about those that exist; called before torch is imported.

    Args:
        outputs: what will be written; None is passed over.
        inputs: what will be read; None is passed over.
        overwrite: whether -y was given.

    Returns:
        Whether what exists may be replaced.

    Raises:
        InputError: an input is not there, or is an output; or an output exists, and there is no terminal to ask on or
            the answer was no.
    """
    given = [path for path in inputs if path is not None]
    for path in given:
        _check_there(path)
    wanted = [path for path in outputs if path is not None]
    for output in wanted:
        # Before any question: what no answer can allow.
        check_output(output, inputs=given, overwrite=True)
    for output in wanted:
        try:
            check_output(output, inputs=(), overwrite=overwrite)
        except OutputExistsError:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise
            if not _agreed(output):
                raise InputError(f"{output}: stays as it is, nothing was written") from None
            overwrite = True
    return overwrite


def _agreed(output: Path) -> bool:
    print(f"kinema: {output} exists. Replace it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _check_there(path: Path) -> None:
    try:
        missing = not path.exists()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if missing:
        raise InputError(f"{path}: no such file or folder; check the path")
