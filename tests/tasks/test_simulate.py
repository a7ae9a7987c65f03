"""Folders of simulated clips, small but real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Event
from kinema.data.clips.folder import scan_folder
from kinema.simulation import robot
from kinema.simulation.breakout import breakout_clips
from kinema.simulation.robot import robot_clips
from kinema.simulation.truth import read_truth, truth_beside
from kinema.tasks.simulate import SimulateRequest, _splits, simulate
from kinema.video import open_video

NEEDS_BREAKOUT = pytest.mark.extra("data", "ale_py")
NEEDS_ROBOT = pytest.mark.extra("data", "mujoco")
Kinema = Callable[..., tuple[int, str, str]]


def frames_of(path: Path) -> np.ndarray:
    with open_video(path) as reader:
        return np.stack([frame.image for frame in reader])


@NEEDS_ROBOT
def test_a_folder_of_the_robot(tmp_path: Path) -> None:
    told: list[Event] = []
    request = SimulateRequest(world="robot", output=tmp_path / "new", clips=10, length=2, size=32)
    report = simulate(request, told.append)
    assert report.clips == {"train": 8, "val": 1, "test": 1} and told[-1] == Advanced("simulating", 10, 10)
    assert sum(report.actions.values()) == pytest.approx(1)
    assert {path.name for path in request.output.iterdir()} == {"clips", "index.csv", "SOURCE.txt"}
    for split, number in report.clips.items():
        found = scan_folder(request.output, split=split)
        assert len(found.clips) == number and not found.unreadable
        made = robot_clips(split, length=2, size=32, seed=0)
        for clip in found.clips:
            true = next(made)
            assert np.array_equal(frames_of(clip.path), true.frames)
            assert np.array_equal(read_truth(truth_beside(clip.path)).actions, true.truth.actions)
            assert clip.info.frame_rate == robot.FRAME_RATE
    source = (request.output / "SOURCE.txt").read_text(encoding="utf-8")
    assert "kinema data robot --clips 10 --length 2 --seed 0 --size 32" in source and "mujoco" in source
    assert report.num_bytes == sum(path.stat().st_size for path in request.output.rglob("*") if path.is_file())


@pytest.mark.parametrize(("clips", "numbers"), [(3, (1, 1, 1)), (6, (4, 1, 1)), (19, (16, 1, 2)), (400, (300, 40, 60))])
def test_every_split_has_a_clip(clips: int, numbers: tuple[int, int, int]) -> None:
    assert tuple(_splits(clips).values()) == numbers


@NEEDS_BREAKOUT
def test_a_folder_of_breakout_twice(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate(SimulateRequest(world="breakout", output=tmp_path / name, clips=3, length=3, seed=5))
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 8
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    clip = next(breakout_clips("train", length=3, seed=5))
    assert np.array_equal(frames_of(tmp_path / "one" / "clips" / "train-0000.mp4"), clip.frames)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"world": "chess"}, "'world' with value 'chess' is refused: Input should be 'breakout' or 'robot'"),
        ({"output": Path("taken")}, "taken: exists; give a new folder"),
        ({"output": Path("taken"), "overwrite": True, "clips": 0}, "--clips 0"),
        ({"output": Path("none/new")}, "the folder none does not exist"),
        ({"clips": 0}, "--clips 0: give 3 or more, one for each of train, val, test"),
        ({"clips": 2}, "--clips 2: give 3 or more"),
        ({"length": 1}, "--length 1: give 2 to 1000 frames"),
        ({"size": 8}, "--size 8: give 32 to 256"),
        ({"world": "breakout", "size": 64}, "--size 64: is for robot"),
        ({"world": "breakout", "lift": True}, "--lift: is for robot"),
    ],
)
def test_what_is_refused(
    changes: dict[str, object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken" / "clips").mkdir(parents=True)
    with pytest.raises(InputError, match=message):
        simulate(SimulateRequest(**{"world": "robot", "output": Path("new"), **changes}))  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError])
def test_nothing_is_left_of_what_broke_off(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("kinema.simulation.robot.robot_clips", broken)
    with pytest.raises(error):
        simulate(SimulateRequest(world="robot", output=tmp_path / "new", clips=3))
    assert not list(tmp_path.iterdir())


@NEEDS_ROBOT
def test_the_command_says_what_it_made(kinema: Kinema, tmp_path: Path) -> None:
    options = ("--clips", 3, "--length", 2, "--size", 32)
    code, _, err = kinema("data", "robot", "-o", tmp_path / "new", *options)
    assert code == 0 and "clips 1 train, 1 val, 1 test; actions " in err
    code, _, err = kinema("data", "robot", "-o", tmp_path / "new", *options)
    assert code == 2 and err.startswith(
        f"kinema: {tmp_path / 'new'}: exists and is not empty; give another output, or -y"
    )
    code, _, err = kinema("data", "robot", "-o", tmp_path / "new", "--clips", 4, *options[2:], "-y")
    assert code == 0 and "clips 2 train" in err
    assert sorted(path.name for path in (tmp_path / "new" / "clips").glob("*.mp4")) == [
        "test-0000.mp4",
        "train-0000.mp4",
        "train-0001.mp4",
        "val-0000.mp4",
    ]
    # What kinema data did not make is not taken away, whatever is said.
    (tmp_path / "new" / "clips" / "holiday.mp4").touch()
    code, _, err = kinema("data", "robot", "-o", tmp_path / "new", *options, "-y")
    assert code == 2 and "new: holds other files (holiday.mp4) than those of kinema data" in err
    assert (tmp_path / "new" / "clips" / "holiday.mp4").exists()
