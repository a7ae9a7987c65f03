"""What users and other programs call is checked strictly, and says its types."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "src/kinema"
PUBLIC = sorted([ROOT / "__init__.py", ROOT / "api.py", *(ROOT / "tasks").rglob("[!_]*.py")])
# Reports of measurements are JSON objects whose keys each protocol chooses.
REPORTS = {"api.evaluate"}


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_public_surface_is_checked_strictly(path: Path):
    assert path.read_text(encoding="utf-8").startswith("# pyright: strict")


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: str(path.relative_to(ROOT)))
def test_requests_and_results_have_no_field_of_any_type(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loose = [
        f"{node.name}.{ast.unparse(field.target)}"
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Request", "Result"))
        for field in node.body
        if isinstance(field, ast.AnnAssign) and "Any" in ast.unparse(field.annotation)
    ]
    assert not loose


def test_functions_of_the_api_take_and_give_no_any():
    tree = ast.parse((ROOT / "api.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert {"animate", "learn", "smile"} <= {function.name for function in functions}
    for function in functions:
        arguments = function.args
        every = [*arguments.args, *arguments.kwonlyargs, *filter(None, [arguments.kwarg])]
        assert not [one.arg for one in every if "Any" in ast.unparse(one.annotation or ast.Constant(None))]
        assert f"api.{function.name}" in REPORTS or "Any" not in ast.unparse(function.returns or ast.Constant(None))
