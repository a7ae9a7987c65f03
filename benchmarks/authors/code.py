"""Imports the authors' networks from a folder that the user gives; none of their code is in kinema.

Their files are imported unchanged. This file supplies what they need of old versions of torch, and the packages that
they import at the top to read files or draw.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import yaml


def open_checkout(folder: Path, config: str) -> dict[str, Any]:
    """Makes a checkout importable: all three name their package ``modules``, so it is one in a process.

    Args:
        folder: checkout of their repository.
        config: name of a file in its ``config``, without ".yaml".

    Returns:
        What the file says.
    """
    sys.path.insert(0, str(folder))
    return yaml.safe_load((folder / "config" / f"{config}.yaml").read_text())


def find(module: str, name: str) -> Any:
    """A class or function of the open checkout."""
    return getattr(importlib.import_module(module), name)


def stand_in_for(*packages: str) -> None:
    """Makes absent packages importable whose functions the benchmarks never reach; what is called does nothing."""
    absent = [name for name in packages if importlib.util.find_spec(name.partition(".")[0]) is None]
    for name in absent:
        stub = types.ModuleType(name)
        stub.__getattr__ = lambda name: lambda *args, **kwargs: None  # type: ignore[method-assign]
        sys.modules[name] = stub
