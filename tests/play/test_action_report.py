"""The report measures what actions do; starts and names stay with the model."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kinema.data.clips.synthetic import moving_shapes
from kinema.play.action_report import ActionSamples, measure_motion
from kinema.play.session import load_playable
from kinema.video import VideoWriter, read_image


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for number, clip in enumerate(moving_shapes(3, 12, 64, seed=0)):
        with VideoWriter(folder / f"{number}.mp4", frame_rate=Fraction(10), preset="ultrafast") as writer:
            for image in clip:
                writer.write(image)
    return folder


@pytest.mark.parametrize(
    ("x", "y", "way"), [(3, 0, "right"), (-3, 1, "left"), (0, -2, "up"), (0, 3, "down"), (0, 0, "stay")]
)
def test_the_way_that_something_moves_is_found(x: int, y: int, way: str):
    samples = ActionSamples()
    for left in (16, 24, 32):
        before, after = (np.full((64, 64, 3), 60, np.uint8) for _ in range(2))
        before[24:36, left : left + 12] = (240, 200, 90)
        after[24 + y : 36 + y, left + x : left + x + 12] = (240, 200, 90)
        samples.add(before, after)
    motion = measure_motion(samples, (64, 64))
    assert motion.direction == way and motion.field.shape == (4, 4, 2)
    assert np.abs(motion.field[3]).max() < 0.2, "nothing moves at the bottom"


def test_actions_are_reported_from_play_and_from_clips(kinema, make_model, clips: Path, tmp_path: Path):
    model = make_model(system="playable")
    code, out, err = kinema(
        "actions", model, clips, "-o", tmp_path / "seen", "--starts", 4, "--names", "left,right,stay"
    )
    assert code == 0, err
    assert out.splitlines()[2].startswith("3  stay") and "(taken without a key)" in out
    report = json.loads((tmp_path / "seen" / "report.json").read_text())
    assert [facts["name"] for facts in report["actions"]] == ["left", "right", "stay"]
    assert sum(facts["samples"] for facts in report["actions"]) == 3 * 11 and report["measured_on"] == "clips"
    assert len(load_playable(model, device="cpu").starts) == 4
    code, _, err = kinema("actions", model, "-o", tmp_path / "played")
    assert code == 0, err
    played = json.loads((tmp_path / "played" / "report.json").read_text())
    assert {facts["samples"] for facts in played["actions"]} == {4 * 5}
    for folder in ("seen", "played"):
        assert read_image(tmp_path / folder / "actions.png").shape[1] > 192
        assert all((tmp_path / folder / f"action_{number}.png").is_file() for number in (1, 2, 3))


def test_starts_of_models_that_see_several_frames_are_kept_whole(kinema, make_model, clips: Path):
    model = make_model("representation.stack=3", "frames.skip=1", system="playable")
    assert kinema("actions", model, clips, "--starts", 3)[0] == 0
    starts = load_playable(model, device="cpu").starts
    # Eight moments two frames apart do not fit into 12 frames: half of them are left to choose a beginning from.
    assert [start.frames.shape for start in starts] == [(3, 64, 64, 3)] * 3
    assert (starts[0].frames[0] != starts[0].frames[1]).any()


def test_starts_are_kept_with_what_came_before_them(kinema, make_model, clips: Path):
    model = make_model(system="playable")
    assert kinema("actions", model, clips, "--starts", 6)[0] == 0
    starts = load_playable(model, device="cpu").starts
    assert [len(start.frames) for start in starts] == [6] * 6
    assert len({start.digest for start in starts}) == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--starts", 2), "give their folder after the model"),
        (("--names", "a,b"), "2 names for 3 actions"),
        (("--noop", "jump"), "action 'jump' is unknown"),
        (("nowhere", "-o", "report"), "nowhere"),
        (("-o", "report"), "ships no start frames"),
    ],
)
def test_what_cannot_be_reported_is_one_line(kinema, make_model, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = kinema("actions", make_model(system="playable"), *words)
    assert code == 2 and message in err and err.count("\n") == 1
