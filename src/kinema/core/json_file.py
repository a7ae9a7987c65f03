"""Reads JSON files of unknown origin within limits, and reports every error in one line."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from kinema.core.checks import InputError

# Four hours of a face's 68 landmarks at 25 frames a second take about 300 MB.
MAX_BYTES = 2**30
_LONGEST_NUMBER = 40
_SLOWEST, _FASTEST = Fraction(1, 86_400), Fraction(1000)


def read_json(path: Path, *, expected: str) -> Any:
    """The content of a JSON file.

    Args:
        path: of the file.
        expected: what the user should give, for the message.

    Raises:
        InputError: the file cannot be read, is larger than a gigabyte, is not JSON, or is nested too deep.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: has {size / 2**20:.0f} MiB, at most {MAX_BYTES >> 20} are read; {expected}")
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {expected}") from error
    except RecursionError as error:
        raise InputError(f"{path}: is nested too deep; {expected}") from error
    except ValueError as error:
        raise InputError(f"{path}: is no JSON ({str(error).splitlines()[0][:200]}); {expected}") from error


def stated_rate(value: object) -> Fraction | None:
    """The frame rate that a file states, or None if it states no plausible one.

    >>> stated_rate("30000/1001"), stated_rate("1e300000000"), stated_rate(float("inf"))
    (Fraction(30000, 1001), None, None)
    """
    # Fraction would compute 1e300000000 to its last digit.
    if isinstance(value, str) and (len(value) > _LONGEST_NUMBER or "e" in value.lower()):
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        rate = Fraction(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return rate if _SLOWEST <= rate <= _FASTEST else None
