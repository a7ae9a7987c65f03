"""Reads the parity fixtures: tensors that the authors' code produced, and the config it ran with."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

FOLDER = Path(os.environ.get("KINEMA_PARITY") or Path(__file__).parents[3] / "shared" / "parity")

# parity/README.md: inference absolute, losses and gradients relative.
INFERENCE = 1e-5
LOSS = 1e-4
GRADIENT = 1e-3


@dataclass(frozen=True)
class Case:
    """One fixture.

    Attributes:
        name: folder and file, such as "fomm/A".
        facts: the JSON beside the tensors.
        tensors: name to tensor.
    """

    name: str
    facts: dict[str, Any]
    tensors: dict[str, Tensor]

    def below(self, prefix: str) -> dict[str, Tensor]:
        """Tensors whose names start with ``prefix``, without it."""
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}

    def sampling_rules(self) -> list[str]:
        """The align_corners variants it holds: "ac1", "ac0" or both."""
        return [rule for rule in ("ac1", "ac0") if any(name.startswith(f"{rule}.") for name in self.tensors)]


def find(pattern: str) -> list[Path]:
    """JSON files of the cases that match, such as "fomm/*.json"."""
    return sorted(FOLDER.glob(pattern))


def case_parameters(pattern: str) -> list[Any]:
    """The cases as pytest parameters; one that fails where there are none, so that a wrong path is not a pass."""
    paths = find(pattern)
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in paths] or [
        pytest.param(None, id="none-found")
    ]


def load(path: Path | None, pattern: str) -> Case:
    """The case of a JSON file."""
    if path is None:
        pytest.fail(f"no parity fixture matches {FOLDER / pattern}; set KINEMA_PARITY to the folder that holds them")
    facts = json.loads(path.read_text())
    return Case(f"{path.parent.name}/{path.stem}", facts, load_file(path.with_suffix(".safetensors")))


def close(actual: Tensor, expected: Tensor, tolerance: float, what: str, *, relative: bool = False) -> None:
    """Asserts that two tensors agree, naming the largest difference."""
    assert actual.shape == expected.shape, f"{what}: shape {tuple(actual.shape)}, expected {tuple(expected.shape)}"
    difference = (actual.double() - expected.double()).abs().max().item()
    allowed = tolerance * (expected.double().abs().max().clamp_min(1e-3).item() if relative else 1.0)
    assert difference <= allowed, f"{what}: differs by {difference:.3g}, allowed {allowed:.3g}"
    assert torch.isfinite(actual).all(), f"{what}: not finite"
