"""The examples run, on clips of the tests and a tiny model."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kinema.video import open_video, read_image

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py"))
MAX_LINES = 60

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs an example as a program; gives what it printed."""

    def start(name: str, *words: object) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        runpy.run_path(str(FOLDER / name), run_name="__main__")
        return capsys.readouterr().out

    return start


def test_each_example_is_numbered_short_and_run_here() -> None:
    assert [name[:3] for name in EXAMPLES] == [f"{number:02d}_" for number in range(1, len(EXAMPLES) + 1)]
    here = Path(__file__).read_text(encoding="utf-8")
    for name in EXAMPLES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) < MAX_LINES and f"usage: {name}" in text, name
        assert f'run("{name}"' in here, name


def test_animating(run: Run, tiny_model: Path, assets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    said = run("01_animate_a_still.py", assets / "portrait.jpg", assets / "walk.mp4", out, tiny_model)
    assert said == f"{out}: 24 frames\n"
    with open_video(out) as reader:
        assert sum(1 for _ in reader) == 24


def test_learning(run: Run, tmp_path: Path) -> None:
    said = run("02_learn_from_python.py", tmp_path, 2)
    assert "8 clips from" in said and said.splitlines()[-1].endswith(f"--model {tmp_path / 'run'}")
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


def test_looking_inside(run: Run, tiny_model: Path, assets: Path, tmp_path: Path) -> None:
    run("03_look_inside.py", assets / "portrait.jpg", assets / "walk.mp4", tmp_path / "inside.png", tiny_model)
    picture = read_image(tmp_path / "inside.png")
    assert picture.shape == (256, 5 * 256 + 4 * 4, 3)
    red = (picture == (255, 0, 0)).all(axis=2)
    assert red[:, :256].any() and red[:, 260:516].any() and not red[:, 520:776].any()


def test_measuring(run: Run, tiny_model: Path, assets: Path) -> None:
    said = run("04_measure_clips.py", assets, tiny_model).splitlines()
    assert said[0] == "6 clips, 104 frames, split None" and said[1].startswith("l1 ") and len(said) == 1 + 4 + 3
