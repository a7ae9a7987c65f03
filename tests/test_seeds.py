"""No test draws without a seed: one that passes on one machine and fails on the next tells nothing.

torch's own generator is seeded before each test and before each fixture of wider scope (conftest.py), so draws from it
are repeatable there; while modules are collected nothing seeds it, and nothing ever seeds NumPy's and Python's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parent
TORCH_DRAWS = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "rand_like", "randn_like"}
PLAIN_DRAWS = {"random", "randint", "choice", "choices", "shuffle", "sample", "uniform", "gauss", "randrange"}


def dotted(node: ast.expr) -> str:
    """ "np.random.rand" for such an expression, "" for others."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def unseeded(text: str) -> Iterator[tuple[int, str]]:
    """(line, call) of draws that depend on when they are made."""
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        owner, _, last = name.rpartition(".")
        seeded = any(keyword.arg == "generator" for keyword in node.keywords)
        draws = (
            (owner == "torch" and last in TORCH_DRAWS and id(node) not in inside and not seeded)
            or (last in ("default_rng", "Random", "RandomState") and not node.args and not node.keywords)
            or (owner in ("np.random", "numpy.random") and last not in ("default_rng", "Generator", "SeedSequence"))
            or (owner == "random" and last in PLAIN_DRAWS)
        )
        if draws:
            yield node.lineno, name


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_nothing_is_drawn_without_a_seed(path: Path) -> None:
    found = [f"{path.name}:{line}: {call}" for line, call in unseeded(path.read_text(encoding="utf-8"))]
    assert not found, found


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("x = torch.randn(3)\n", ["torch.randn"]),
        ("def f():\n    return torch.randn(3)\n", []),
        ("x = torch.rand(3, generator=g)\n", []),
        ("def f():\n    return np.random.rand(3)\n", ["np.random.rand"]),
        ("def f():\n    return np.random.default_rng().random(3)\n", ["np.random.default_rng"]),
        ("def f():\n    return np.random.default_rng(0).random(3)\n", []),
        ("def f():\n    return random.choice('ab'), random.Random(0).choice('ab')\n", ["random.choice"]),
    ],
)
def test_draws_are_told_apart(text: str, calls: list[str]) -> None:
    assert [call for _, call in unseeded(text)] == calls


@pytest.fixture(scope="module")
def drawn() -> torch.Tensor:
    return torch.randn(4)


@pytest.mark.parametrize("run", [0, 1])
def test_fixtures_of_wider_scope_begin_at_the_seed(drawn: torch.Tensor, run: int) -> None:
    assert torch.equal(drawn, torch.randn(4, generator=torch.Generator().manual_seed(0)))
