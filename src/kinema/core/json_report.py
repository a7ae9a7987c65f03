"""Writes reports of measurements as JSON files that appear complete or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kinema.core.atomic_output import check_target, one_line, put_in_place, remove, temporary_beside


def check_report(path: Path) -> None:
    """Refuses a path that :func:`write_report` could not write, before hours of measuring.

    Raises:
        InputError: it is a folder, or its folder does not exist or is not writable.
    """
    check_target(path)


def write_report(path: Path, values: dict[str, Any]) -> None:
    """Writes JSON.

    Raises:
        InputError: the folder does not exist or cannot be written.
    """
    check_target(path)
    temporary = temporary_beside(path)
    try:
        with one_line(path):
            temporary.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
            put_in_place(temporary, path)
    finally:
        remove(temporary)
