"""What a shell gets when a person presses the tabulator key."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from kinema.cli.completion import preset_names, presets, shipped
from kinema.cli.data import PORTRAITS
from kinema.cli.evaluate import run as evaluate
from kinema.cli.main import VERBS, main
from kinema.evaluation.protocols import PROTOCOLS
from kinema.systems import SYSTEMS
from kinema.systems.system import find_system
from kinema.tasks.simulate import WORLDS
from kinema.weights.catalogue import shipped_models


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """What bash is given for a line, the last word of which is not finished."""

    def ask(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setattr("warnings.showwarning", lambda *_: None)  # main replaces it
        monkeypatch.setenv("_KINEMA_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with pytest.raises(SystemExit) as left:
            main([])
        assert left.value.code == 0
        return capsys.readouterr().out.split()

    return ask


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("kinema ", list(VERBS)),
        ("kinema anim", ["animate"]),
        ("kinema animate --lock", ["--lock-background"]),
        ("kinema animate a.png b.mp4 --model first", ["first_order-emoji"]),
        ("kinema animate a.png b.mp4 --model runs/", []),
        ("kinema repose a.png --model ", ["deformable_gan-people"]),
        ("kinema smile a.png --model ", ["expression_gan-faces", "smile-faces"]),
        ("kinema learn m", ["monkey_net"]),
        ("kinema learn first_order clips --preset small", ["small_64", "small_128"]),
        ("kinema learn clips --preset ", []),
        ("kinema bench smile --preset ", ["paper_64", "small_64", "small_96"]),
        ("kinema evaluate first_order-emoji clips --protocol ", list(PROTOCOLS)),
        ("kinema data ", [*WORLDS, PORTRAITS]),
    ],
)
def test_words(complete, line: str, words: list[str]):
    assert complete(line) == words


def test_every_model_can_be_completed(complete):
    assert complete("kinema evaluate ") == shipped()("") == [model.name for model in shipped_models()]


@pytest.mark.parametrize("system", SYSTEMS)
def test_presets_are_those_of_the_system(system: str, monkeypatch: pytest.MonkeyPatch):
    assert preset_names(system) == list(find_system(system).presets)
    monkeypatch.setenv("_KINEMA_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"kinema learn {system} clips --preset ")
    assert presets("small_64") == [name for name in find_system(system).presets if name == "small_64"]


@pytest.mark.parametrize("line", ["kinema learn smile x --preset ", "kinema animate --model ", "kinema evaluate m f "])
def test_no_word_costs_torch(line: str):
    code = "import sys\nfrom kinema.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
    code += "print(*sys.modules, file=sys.stderr)"
    environment = os.environ | {"_KINEMA_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": line}
    environment["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)
    loaded = set(done.stderr.split())
    assert "kinema.cli.completion" in loaded and not loaded & {"torch", "numpy", "av"}, done.stderr[-2000:]


@pytest.mark.parametrize(
    ("shell", "mark"),
    [("bash", "complete -o default"), ("zsh", "#compdef kinema"), ("fish", "complete --command kinema")],
)
def test_every_shell_has_a_script(kinema, monkeypatch: pytest.MonkeyPatch, shell: str, mark: str):
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    code, printed, err = kinema("--show-completion")
    assert (code, err) == (0, "") and mark in printed and "_KINEMA_COMPLETE" in printed


def test_it_is_installed_for_bash(kinema, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("typer._completion_shared._get_shell_name", lambda: "bash")
    code, printed, _ = kinema("--install-completion")
    script = tmp_path / ".bash_completions" / "kinema.sh"
    assert code == 0 and str(script) in printed
    assert str(script) in (tmp_path / ".bashrc").read_text()
    # bash itself completes with it.
    line = f"source {script}; COMP_WORDS=(kinema repo); COMP_CWORD=1; _kinema_completion kinema; echo ${{COMPREPLY[@]}}"
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert answer.stdout.split() == ["repose"], answer.stderr


def test_protocols_are_named_in_the_help_too():
    assert set(re.findall(r"\w+", str(evaluate.__annotations__["protocol"]))) >= set(PROTOCOLS)
