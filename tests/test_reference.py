"""The generated reference explains everything public; the check of the built site sees what is lost."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import kinema
from kinema.cli.main import VERBS
from kinema.core.request import Request
from kinema.systems import SYSTEMS

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "recipes" / "documentation"


def script(name: str) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def headings(page: Path) -> set[str]:
    return {line.lstrip("# ") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")}


def test_the_reference_explains_everything_public(tmp_path: Path) -> None:
    assert script("write_reference").write_reference(tmp_path) == []
    assert headings(tmp_path / "command-line.md") >= set(VERBS)
    assert headings(tmp_path / "settings.md") >= set(SYSTEMS)
    public = headings(tmp_path / "functions.md") | headings(tmp_path / "objects.md")
    assert public >= set(kinema.__all__) - {"__version__"}
    assert "| `motion` | `1.0` | `float`, 0 to 4 | how far" in (tmp_path / "functions.md").read_text()


def test_what_is_not_explained_is_a_fault() -> None:
    reference = script("write_reference")
    faults: list[str] = []

    def bare(one: int) -> None: ...

    def half(one: int, two: int) -> None:
        """Takes two.

        Args:
            one: the first.
        """

    class Wish(Request):
        """A wish.

        Attributes:
            known: explained.
        """

        known: int = 0
        unknown: int = 0

    list(reference.function_lines(bare, "bare", faults))
    list(reference.function_lines(half, "half", faults))
    list(reference.request_lines(Wish, faults))
    assert faults == [
        "bare: has no docstring",
        "half: its docstring does not explain two",
        "Wish.unknown: its docstring does not explain it",
    ]


def test_pages_outside_the_navigation_are_told(tmp_path: Path) -> None:
    docs, config = tmp_path / "docs", tmp_path / "zensical.toml"
    (docs / "inner").mkdir(parents=True)
    for name in ("index.md", "inner/there.md", "inner/stray.md"):
        (docs / name).touch()
    config.write_text('[project]\nnav = ["index.md", {"In" = [{"There" = "inner/there.md"}, "inner/gone.md"]}]\n')
    assert list(script("check_site").outside_navigation(docs, config)) == [
        f"{docs}/inner/stray.md: is not in the navigation of {config}",
        f"{config}: names inner/gone.md, which is not in {docs}",
    ]


def test_lost_links_and_other_hosts_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#here">b</a><a href="b.html#nowhere">b</a><a href="#top">up</a>'
        '<a href="https://example.org/">out</a><img src="none.png"><script src="https://example.org/x.js"></script>'
        '<link rel="canonical" href="https://example.org/a.html">'
    )
    (tmp_path / "b.html").write_text(
        '<h2 id="here">B</h2><a href="c.html">c</a><a href="mailto:a@example.org">mail</a>'
    )
    assert list(script("check_site").lost_links(tmp_path)) == [
        "a.html: none.png is not there",
        "a.html: loads https://example.org/x.js from another host",
        "a.html: b.html#nowhere names an anchor that is not there",
        "b.html: c.html is not there",
    ]
