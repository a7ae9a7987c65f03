"""Reads the parity fixtures: tensors that the authors' code produced, and the config it ran with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

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

    def double(self) -> Case:
        """The same case in float64, for the exact result."""
        exact = {name: value.double() if value.is_floating_point() else value for name, value in self.tensors.items()}
        return replace(self, tensors=exact)

    def nudged(self) -> Case:
        """The same case, every input moved by one rounding step of float32."""
        moved = {name: value * (1 + 2**-23) for name, value in self.tensors.items() if name.startswith("in.")}
        return replace(self, tensors=self.tensors | moved)


class Measured:
    """What our code makes of a case, and how much of it float32 itself loses.

    Attributes:
        case: the fixture.
        ours: our tensors by name.
    """

    def __init__(self, case: Case, compute: Callable[[Case], dict[str, Tensor]]) -> None:
        self.case = case
        self._compute = compute
        self.ours = compute(case)

    @cached_property
    def rounding(self) -> dict[str, float]:
        """Distance of our tensors from float64: that of two float32 runs whose inputs differ by a rounding step."""
        exact, nudged = self._compute(self.case.double()), self._compute(self.case.nudged())
        return {
            name: max(_distance(run[name], exact[name]) for run in (self.ours, nudged)) if exact[name].numel() else 0.0
            for name in self.ours
        }

    def check(
        self,
        tolerance: float,
        *,
        relative: bool = False,
        expected: Mapping[str, Tensor] | None = None,
        floor: float = 0,
    ) -> None:
        """Asserts that ours and the fixture's tensors of the same name agree; those it lacks are passed over.

        Where the largest difference exceeds the tolerance, float32 itself may be the reason: deep in a network, after
        a sharp softmax or an instance norm over few pixels, the authors' own float32 is further than the tolerance
        from their arithmetic done in float64. Then, and only then, twice what ours loses is allowed on top.

        Args:
            tolerance: largest difference allowed.
            relative: ``tolerance`` is a share of the largest value expected.
            expected: the authors' tensors; those of the case by default. One that holds the first rows of a batch is
                compared with the first rows of ours.
            floor: allowed besides.
        """
        for name, theirs in (self.case.tensors if expected is None else expected).items():
            if name not in self.ours:
                continue
            ours, what = self.ours[name], f"{self.case.name} {name}"
            ours = ours[: len(theirs)] if ours.ndim == theirs.ndim > 0 else ours
            assert ours.shape == theirs.shape, f"{what}: shape {tuple(ours.shape)}, expected {tuple(theirs.shape)}"
            assert torch.isfinite(ours).all(), f"{what}: not finite"
            difference = _distance(ours, theirs)
            scale = theirs.double().abs().max().clamp_min(1e-3).item() if relative else 1.0
            allowed = tolerance * scale + floor
            if difference > allowed:
                allowed += 2 * self.rounding[name]
            assert difference <= allowed, f"{what}: differs by {difference:.3g}, allowed {allowed:.3g}"


def _distance(first: Tensor, second: Tensor) -> float:
    return (first.double() - second.double()).abs().max().item()


def case_parameters(pattern: str, *, required: bool) -> list[Any]:
    """The cases as pytest parameters.

    Args:
        pattern: such as "fomm/*.json".
        required: whether the absence of any case is a failure, so that a wrong path is not a pass, or a skip.
    """
    found = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in sorted(FOLDER.glob(pattern))]
    # Whoever cloned the repository alone has no fixtures and named none.
    is_asked_for = "KINEMA_PARITY" in os.environ or FOLDER.is_dir()
    reason = f"no parity fixture matches {FOLDER / pattern}"
    marks = () if required and is_asked_for else (pytest.mark.skip(reason=reason),)
    return found or [pytest.param(FOLDER / pattern, id="none-found", marks=marks)]


def load(path: Path) -> Case:
    """The case of a JSON file."""
    if not path.is_file():
        pytest.fail(f"no parity fixture matches {path}; set KINEMA_PARITY to the folder that holds them", pytrace=False)
    facts = json.loads(path.read_text())
    return Case(f"{path.parent.name}/{path.stem}", facts, load_file(path.with_suffix(".safetensors")))


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
