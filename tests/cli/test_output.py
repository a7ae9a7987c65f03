"""``-y``, the question without it, and SIGTERM, as every verb that writes has them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kinema.cli.output
from kinema.cli.main import VERBS
from kinema.cli.output import claim
from kinema.core.checks import InputError
from kinema.video import write_image

SOURCE = Path(kinema.cli.output.__file__).parents[2]


class Terminal(io.StringIO):
    """A stream that says it is one a person sits at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "me.png"
    write_image(path, np.full((64, 64, 3), 90, np.uint8))
    return path


# Verb -> words whose output is IT, a picture that is also read.
DESTROYERS = {
    "animate": "IT IT -o IT",
    "predict": "IT -o IT",
    "parts": "IT -o IT",
    "swap": "IT IT --parts 1 -o IT",
    "repose": "IT --pose IT -o IT",
    "pose": "IT -o IT",
    "landmarks": "IT -o x.json --draw IT",
    "smile": "IT -o IT",
    "face": "IT --smile .5 -o IT",
    "live": "IT --driving IT -o IT",
    "evaluate": "first_order-emoji IT --json IT",
    "actions": "playable-robot IT -o IT",
    "play": "--replay IT -o IT",
    "import": "IT -o IT",
}
OVERWRITERS = {
    **{verb: words.rsplit("IT", 1)[0] + "there.png" for verb, words in DESTROYERS.items()},
    "data": "robot -o there.png",
    "demo": "-o there.png",
    "bench": "first_order --json there.png",
}


@pytest.mark.parametrize("verb", DESTROYERS)
@pytest.mark.parametrize("more", [[], ["-y"]])
def test_no_verb_destroys_its_input(kinema, picture: Path, monkeypatch, verb: str, more: list[str]):
    monkeypatch.chdir(picture.parent)
    before = picture.read_bytes()
    words = [str(picture) if word == "IT" else word for word in DESTROYERS[verb].split()]
    code, printed, err = kinema(verb, *words, *more)
    assert (code, printed) == (2, ""), err
    assert err.count("\n") == 1 and f"is the input {picture} itself" in err
    assert picture.read_bytes() == before and os.listdir(picture.parent) == ["me.png"]


@pytest.mark.parametrize("verb", OVERWRITERS)
def test_no_verb_replaces_what_exists_unasked(kinema, picture: Path, monkeypatch, verb: str):
    monkeypatch.chdir(picture.parent)
    there = picture.parent / "there.png"
    there.write_text("mine")
    words = [str(picture) if word == "IT" else word for word in OVERWRITERS[verb].split()]
    code, printed, err = kinema(verb, *words)
    assert (code, printed) == (2, ""), err
    assert err == "kinema: there.png: exists; give another output, or -y (--overwrite) to replace it\n"
    assert there.read_text() == "mine"


def test_every_verb_that_writes_is_in_these_lists():
    # models prints; learn goes on with what stands in its folder, by rules of its own.
    assert set(OVERWRITERS) == set(VERBS) - {"models", "learn"}


def test_what_is_missing_is_said_before_torch_comes(tmp_path: Path):
    script = "import sys; from kinema.cli.main import main\ntry: main(sys.argv[1:])\nexcept SystemExit: print(sorted(\
{'torch', 'av', 'numpy'} & set(sys.modules)))"
    command = [sys.executable, "-c", script, "animate", "no.png", "no.mp4", "-o", "a.mp4"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(SOURCE)})
    assert done.stderr == "kinema: no.png: no such file or folder; check the path\n"
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("answer", "replaced"), [("y\n", True), ("YES\n", True), ("\n", False), ("no\n", False), ("", False)]
)
def test_a_person_is_asked(tmp_path: Path, monkeypatch, answer: str, replaced: bool):
    there = tmp_path / "there.mp4"
    there.touch()
    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", screen)
    if replaced:
        assert claim(there, overwrite=False)
    else:
        with pytest.raises(InputError, match=r"there\.mp4: stays as it is, nothing was written"):
            claim(there, overwrite=False)
    assert screen.getvalue() == f"kinema: {there} exists. Replace it? [y/N] "


def test_nobody_is_asked_about_what_is_not_there_or_without_a_terminal(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert not claim(tmp_path / "new.mp4", None, inputs=[None], overwrite=False)
    (tmp_path / "there.mp4").touch()
    assert claim(tmp_path / "there.mp4", overwrite=True)
    with pytest.raises(InputError, match="-y"):
        claim(tmp_path / "there.mp4", overwrite=False)  # standard error goes to a file


TERMINATED_VERB = """
import sys
from fractions import Fraction
import numpy as np
import kinema.cli.main
from kinema.video import VideoWriter

def run() -> None:
    with VideoWriter("a.mp4", frame_rate=Fraction(25), preset="ultrafast") as writer:
        for value in range(3):
            writer.write(np.full((32, 32, 3), value, np.uint8))
        print("ready", flush=True)
        sys.stdin.read()

sys.modules["kinema.cli.animate"].run = run
"""


@pytest.mark.parametrize(
    ("how", "status", "says"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_signal_leaves_nothing(tmp_path: Path, how: signal.Signals, status: int, says: str):
    script = "import kinema.cli.animate" + TERMINATED_VERB + 'kinema.cli.main.main(["animate"])'
    command = [sys.executable, "-c", script]
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        assert len(os.listdir(tmp_path)) == 1
        process.send_signal(how)
        _, err = process.communicate()
    assert (process.returncode, err) == (status, f"kinema: {says}\n")
    assert os.listdir(tmp_path) == []
