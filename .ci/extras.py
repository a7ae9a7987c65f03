"""What .ci/extras asks: the extras with their requirements and modules, and whether the modules of one can be imported.

usage: extras.py list | extras.py import EXTRA MODULE...
"""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Tools of developers, which nothing in the package imports.
TOOLS = {"dev", "browser", "docs"}


def modules() -> dict[str, list[str]]:
    """Extra to the modules that the package asks for by its name."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "src").rglob("*.py"):
        for call in re.findall(r"require_extra\((.*?)\)", path.read_text(encoding="utf-8"), re.DOTALL):
            names = re.match(r"\s*\"([\w.]+)\"", call), re.search(r"extra=\"(\w+)\"", call)
            if all(names):
                found.setdefault(names[1][1], set()).add(names[0][1])  # type: ignore[index]
    return {extra: sorted(names) for extra, names in found.items()}


def main(words: list[str]) -> None:
    """Prints the list, or imports."""
    if words[0] == "list":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        asked = modules()
        for extra, requirements in extras.items():
            if extra not in TOOLS:
                print(extra, " ".join(requirements), " ".join(asked.get(extra, ())), sep="\t")
        return
    _, extra, *names = words
    for name in names:
        importlib.import_module(name)
    print(f"extra {extra} alone: {', '.join(names) or 'nothing asks for a module of it by name'}")


if __name__ == "__main__":
    main(sys.argv[1:])
