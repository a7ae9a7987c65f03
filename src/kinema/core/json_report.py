"""Reports of measurements as JSON files that appear whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from kinema.core.checks import InputError


def check_report(path: Path) -> None:
    """Refuses a path that :func:`write_report` could not write, before hours of measuring.

    Raises:
        InputError: it is a folder, or lies in none.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a file name")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it or give another path")


def write_report(path: Path, values: dict[str, Any]) -> None:
    """Writes JSON.

    Raises:
        InputError: the folder does not exist or cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); give a file in an existing folder") from error
