"""The command `kinema` as a user meets it: in a process of its own, judged by status, stdout and stderr."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinema.cli.main import VERBS, main

CLI_FOLDER = Path(__file__).resolve().parents[2] / "src/kinema/cli"
HELP_SECONDS = 1.0

# Verbs whose one module is written by the test: main imports whatever VERBS names.
FAILING_VERBS = '''
"""Verbs that fail in every way."""
from kinema.core.checks import InputError
import warnings

def run(how: str, clip_seconds: float = 1.0) -> None:
    """Fails."""
    if how == "input":
        raise InputError("a.mp4: holds no video;\\n give a file with pictures")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "bug":
        raise ZeroDivisionError("ours")
    warnings.warn("keypoints lie on a line", stacklevel=2)
    print("seconds", clip_seconds)
'''


def kinema(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "kinema", *words], capture_output=True, text=True, timeout=120)


def run_main(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(words)
    output = capsys.readouterr()
    code = left.value.code
    return code if isinstance(code, int) else int(code is not None), output.out, output.err


@pytest.fixture
def fail_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "failing_verbs.py").write_text(FAILING_VERBS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(VERBS, "fail", ("failing_verbs", "Fails in every way."))
    monkeypatch.setattr("warnings.showwarning", lambda *_: None)  # main replaces it; this puts it back afterwards


def loaded_after(*words: str) -> set[str]:
    """Modules in memory once ``kinema *words`` has answered."""
    code = (
        "import sys\nfrom kinema.cli.main import main\n"
        f"try:\n    main({list(words)!r})\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, sep=chr(10), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return set(done.stderr.split())


def test_help_answers_within_a_second() -> None:
    """Of processor time, which other programs on the machine do not prolong."""
    seconds = []
    for _ in range(3):
        start = processor_seconds()
        answer = kinema("--help")
        seconds.append(processor_seconds() - start)
        assert answer.returncode == 0 and "Usage: kinema" in answer.stdout
    assert min(seconds) < HELP_SECONDS, seconds


def processor_seconds() -> float:
    """Of the processes that this one has started and that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


@pytest.mark.parametrize("words", [("--help",), ("--version",), *((verb, "--help") for verb in VERBS)])
def test_help_imports_no_torch(words: tuple[str, ...]) -> None:
    loaded = loaded_after(*words)
    assert "kinema.cli.main" in loaded
    assert not loaded & {"torch", "numpy", "av", "PIL"}


def test_every_file_that_is_no_part_of_all_verbs_is_a_verb_and_listed() -> None:
    files = {
        ".".join(["kinema", "cli", *path.relative_to(CLI_FOLDER).with_suffix("").parts])
        for path in CLI_FOLDER.rglob("*.py")
        if path.stem not in ("__init__", "completion", "main", "next_command", "output", "progress", "stills")
    }
    assert {module for module, _ in VERBS.values()} == files
    listed = kinema().stdout
    assert "--version" in listed
    for verb, (module, line) in VERBS.items():
        assert verb in listed and line.split()[0] in listed
        assert importlib.util.find_spec(module) is not None


def test_the_version_is_the_packages() -> None:
    import kinema as package

    assert kinema("--version").stdout.split() == ["kinema", package.__version__]


def test_a_verb_gets_its_options(fail_verb: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run_main(capsys, "fail", "not", "--clip-seconds", "2.5")
    assert (code, out, err) == (0, "seconds 2.5\n", "kinema: warning: keypoints lie on a line\n")


def test_refused_input_is_one_line(fail_verb: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run_main(capsys, "fail", "input")
    assert (code, out, err) == (2, "", "kinema: a.mp4: holds no video; give a file with pictures\n")


def test_an_interrupt_is_one_line(fail_verb: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(capsys, "fail", "interrupt") == (130, "", "kinema: interrupted\n")


def test_a_bug_keeps_its_traceback(fail_verb: None) -> None:
    with pytest.raises(ZeroDivisionError, match="ours"):
        main(["fail", "bug"])


@pytest.mark.parametrize(
    ("words", "named", "way_out"),
    [
        (("fial", "input"), "'fail'", "kinema --help"),
        (("--fast",), "--fast", "kinema --help"),
        (("fail",), "'how'", "kinema fail --help"),
        (("fail", "not", "--clip-seconds", "long"), "'--clip-seconds'", "kinema fail --help"),
    ],
)
def test_wrong_words_are_one_line(
    fail_verb: None, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], named: str, way_out: str
) -> None:
    code, out, err = run_main(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("kinema: ") and named in err.lower() and err.endswith(f"; try: {way_out}\n")
    assert err.count("\n") == 1
