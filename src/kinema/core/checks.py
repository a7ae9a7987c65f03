"""Defines errors that a user can act on: one line that says what was given, what is accepted and what to do."""

from __future__ import annotations

import importlib
from types import ModuleType


class InputError(ValueError):
    """Input that kinema cannot use. Its message is one line that can be shown to the user as it is."""


class MissingExtraError(InputError):
    """A feature needs an optional dependency that is not installed; the message names the extra."""


def require_extra(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Imports an optional dependency, or says which extra installs it.

    Args:
        module: dotted module name, such as "dlib".
        extra: the extra of this package that installs it, such as "face".
        purpose: what it is needed for, completing "... needs".

    Returns:
        The imported module.

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{purpose} needs the module '{error.name}', which is not installed: pip install 'kinema[{extra}]'"
        ) from error


def check_divisible(size: tuple[int, int], divisor: int, *, what: str) -> None:
    """Refuses a (height, width) that a network cannot halve as often as its config requires.

    Raises:
        InputError: a side is not a positive multiple of ``divisor``; the message names the nearest sizes.
    """
    height, width = size
    if height > 0 and width > 0 and height % divisor == 0 and width % divisor == 0:
        return
    nearest = tuple(max(divisor, round(side / divisor) * divisor) for side in size)
    raise InputError(
        f"{what}: frames of {height}x{width} (height x width) do not fit, both sides must be multiples of "
        f"{divisor}; resize or crop to {nearest[0]}x{nearest[1]}"
    )
