"""Reads the parity fixtures: tensors that the authors' code produced, and the config it ran with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

FOLDER = Path(os.environ.get("KINEMA_PARITY") or Path(__file__).parents[3] / "shared" / "parity")
RULES = ("ac1", "ac0")

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

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def below(self, prefix: str) -> dict[str, Tensor]:
        """Tensors whose names start with ``prefix``, without it."""
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}

    def need(self, *patterns: str) -> None:
        """Skips the test unless every pattern, such as "in.source" or "eval.kp_*", names a tensor that is here."""
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in self.tensors):
                pytest.skip(f"{self.name} has no {pattern}")

    def sampling_rules(self) -> list[str]:
        """The align_corners variants it holds: "ac1", "ac0" or both."""
        return [rule for rule in RULES if any(name.startswith(f"{rule}.") for name in self.tensors)]

    def compare(
        self,
        name: str,
        actual: Tensor,
        tolerance: float = INFERENCE,
        *,
        relative: bool = False,
        exact: Tensor | None = None,
    ) -> None:
        """Asserts that ``actual`` is the fixture's tensor ``name``, where it has one; the rest as in :func:`close`.

        A fixture that holds the first rows of a batch is compared with the first rows of ``actual``.
        """
        if name not in self.tensors:
            return
        expected = self.tensors[name]
        if expected.ndim == actual.ndim > 0:
            actual, exact = actual[: len(expected)], None if exact is None else exact[: len(expected)]
        close(actual, expected, tolerance, f"{self.name} {name}", relative=relative, exact=exact)


def case_parameters(pattern: str, *, required: bool) -> list[Any]:
    """The cases as pytest parameters.

    Args:
        pattern: such as "fomm/*.json".
        required: whether the absence of any case is a failure, so that a wrong path is not a pass, or a skip.
    """
    found = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in sorted(FOLDER.glob(pattern))]
    missing = f"no parity fixture matches {FOLDER / pattern}; set KINEMA_PARITY to the folder that holds them"
    # Whoever clones the repository alone has no fixtures and asked for none.
    asked_for = "KINEMA_PARITY" in os.environ or FOLDER.is_dir()
    marks = () if required and asked_for else (pytest.mark.skip(reason=missing),)
    return found or [pytest.param(FOLDER / pattern, id="none-found", marks=marks)]


def load(path: Path) -> Case:
    """The case of a JSON file."""
    if not path.is_file():
        pytest.fail(f"no parity fixture matches {path}; set KINEMA_PARITY to the folder that holds them")
    facts = json.loads(path.read_text())
    return Case(f"{path.parent.name}/{path.stem}", facts, load_file(path.with_suffix(".safetensors")))


def close(
    actual: Tensor,
    expected: Tensor,
    tolerance: float,
    what: str,
    *,
    relative: bool = False,
    exact: Tensor | None = None,
) -> None:
    """Asserts that two tensors agree, naming the largest difference.

    Args:
        actual: ours.
        expected: theirs.
        tolerance: largest difference allowed.
        what: named in the message.
        relative: ``tolerance`` is a share of the largest value expected.
        exact: the same as ``actual`` computed in float64. What float32 itself loses there, in ours and as much again
            in theirs, is allowed on top.
    """
    assert actual.shape == expected.shape, f"{what}: shape {tuple(actual.shape)}, expected {tuple(expected.shape)}"
    assert torch.isfinite(actual).all(), f"{what}: not finite"
    difference = (actual.double() - expected.double()).abs().max().item()
    allowed = tolerance * (expected.double().abs().max().clamp_min(1e-3).item() if relative else 1.0)
    if exact is not None:
        allowed += 2 * (actual.double() - exact).abs().max().item()
    assert difference <= allowed, f"{what}: differs by {difference:.3g}, allowed {allowed:.3g}"


@contextmanager
def outputs_of(module: nn.Module) -> Iterator[list[Tensor]]:
    """Collects what ``module`` returns while the block runs."""
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append(output)

    handle = module.register_forward_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


Rename = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
