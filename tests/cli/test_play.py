"""``kinema play`` as a user meets it: an address, a game behind it, one line where something is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from kinema.play.session import load_playable, open_game
from kinema.video import probe, write_image


@pytest.fixture(scope="module")
def model(make_model) -> Path:
    return make_model(system="playable")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "first.png"
    write_image(path, np.random.default_rng(0).integers(0, 256, (70, 80, 3), dtype=np.uint8))
    return path


@pytest.mark.extra("play", "fastapi", "uvicorn", "websockets")
def test_it_serves_until_interrupted(model: Path, picture: Path):
    command = [
        sys.executable,
        "-m",
        "kinema",
        "play",
        str(model),
        "--no-browser",
        "--port",
        "0",
        "--start",
        str(picture),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            assert line.startswith("tiny plays at http://127.0.0.1:"), (line, process.stderr.read())
            address = line.split()[3]
            with urllib.request.urlopen(address + "status", timeout=60) as answer:
                assert json.load(answer)["model"] == "tiny"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


@pytest.mark.extra("play", "fastapi", "uvicorn", "websockets")
@pytest.mark.parametrize("given", [None, "a-token-of-my-own-0123"])
def test_other_machines_need_the_token(model: Path, picture: Path, given: str | None):
    command = [sys.executable, "-m", "kinema", "play", str(model), "--no-browser", "--port", "0", "--host", "0.0.0.0"]
    environment = {**os.environ, **({} if given is None else {"KINEMA_TOKEN": given})}
    with subprocess.Popen(
        [*command, "--start", str(picture)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            first, second = process.stdout.readline(), process.stdout.readline()
            assert second.startswith("Other machines open http://"), (first, second)
            plain, _, token = first.split()[3].partition("?token=")
            assert bool(token) is (given is None) and (token in second), "a token that was given is not shown"
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(plain, timeout=60)
            with urllib.request.urlopen(f"{plain}?token={given or token}", timeout=60) as answer:
                assert answer.status == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_a_session_becomes_a_video(kinema, model: Path, picture: Path, tmp_path: Path):
    game = open_game(load_playable(model, device="cpu"))
    game.reset(picture)
    game.step(2)
    game.record().write(tmp_path / "session.json")
    code, _, err = kinema("play", model, "--replay", tmp_path / "session.json", "-o", tmp_path / "played.mp4")
    assert code == 0 and "2 frames" in err
    assert probe(tmp_path / "played.mp4").width == 64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "model 'nowhere' is unknown; give a model folder"),
        (("MODEL", "--replay", "none.json"), "belong together"),
        (("MODEL", "--replay", "none.json", "-o", "a.mp4"), "none.json: no such file"),
        (("MODEL", "--names", "a,b"), "2 names for 3 actions"),
        (("MODEL", "--no-browser"), "ships no start frames"),
        (("MODEL", "--no-browser", "--start", "none.png"), "none.png"),
        (("MODEL", "--no-browser", "--start", "PICTURE", "--port", "99999"), "give another --port"),
        (
            ("MODEL", "--no-browser", "--start", "PICTURE", "--host", "no.such.invalid"),
            "cannot listen at no.such.invalid",
        ),
        (("MODEL", "--no-browser", "--start", "PICTURE", "--token", "guess"), "give 16 to 200 letters"),
    ],
)
@pytest.mark.extra("play", "fastapi", "uvicorn", "websockets")
def test_what_cannot_be_played_is_one_line(kinema, model, picture, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = {"MODEL": model, "PICTURE": picture}
    code, _, err = kinema("play", *(places.get(word, word) for word in words))
    assert code == 2 and message in err and err.count("\n") == 1
