"""What a report says against its own model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.progress import Event, Told
from kinema.evaluation.doubts import measure_familiarity, unfamiliar_line, worse_notes, worse_than_idle
from kinema.evaluation.protocols import EvaluateRequest, evaluate
from kinema.framing.pixels import to_frames
from kinema.runtime.load import load
from kinema.systems.familiarity import Familiarity
from kinema.video import VideoWriter

from ..loaded import given


def means(**values: float | None) -> dict[str, dict[str, float | None]]:
    return {name: {"mean": value} for name, value in values.items()}


def test_each_metric_has_its_better_direction():
    model = means(l1=0.2, psnr=20.0, ssim=0.8, perceptual=0.3, frechet=9.0, keypoint_distance=3.0)
    better = means(l1=0.1, psnr=21.0, ssim=0.9, perceptual=0.2, frechet=1.0, keypoint_distance=1.0)
    found = worse_than_idle(model, {"repeat_source": better, "constant_velocity": better, "real": better})
    assert found == {"repeat_source": ["l1", "psnr", "ssim", "perceptual"]}
    assert worse_than_idle(better, {"repeat_source": model}) == {}
    assert worse_than_idle(model, {"repeat_source": model}) == {}
    mixed = means(l1=0.3, psnr=30.0, ssim=None, perceptual=0.1)
    assert worse_than_idle(model, {"repeat": mixed}) == {"repeat": ["psnr", "perceptual"]}
    parts = {"whole_frame": means(foreground_iou=0.5), "border_colour": means(foreground_iou=0.9)}
    assert worse_than_idle(means(foreground_iou=0.4), parts) == {"whole_frame": ["foreground_iou"]}
    assert worse_than_idle(means(landmark_mae=2.0), {"mean_position": means(landmark_mae=1.5)}) == {
        "mean_position": ["landmark_mae"]
    }


def test_the_line_has_both_figures():
    report = {"metrics": means(l1=0.08221), "baselines": {"repeat_source": means(l1=0.07868)}}
    report["worse_than"] = worse_than_idle(report["metrics"], report["baselines"])
    assert worse_notes(report) == ["worse than repeat source, which needs no model: l1 0.0822 against 0.0787"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two clips in which nothing moves: repeating the source is exact."""
    for value in (40, 200):
        with VideoWriter(tmp_path / "clips" / str(value), frame_rate=10) as writer:  # type: ignore[arg-type]
            for _ in range(3):
                writer.write(np.full((32, 32, 3), value, np.uint8))
    return tmp_path / "clips"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()


def test_a_report_says_that_doing_nothing_is_better(pipeline, folder):
    report = evaluate(EvaluateRequest(model="given", folder=folder, perceptual="none"), given(pipeline))
    assert report["baselines"]["repeat_source"]["l1"]["mean"] == 0
    assert "l1" in report["worse_than"]["repeat_source"] and "ssim" in report["worse_than"]["repeat_source"]
    l1 = report["metrics"]["l1"]["mean"]
    (note,) = report["notes"]
    assert note.startswith("worse than repeat source, which needs no model: ") and f"l1 {l1:.4f} against 0.0000" in note
    assert report["familiarity"] is None


def test_an_unfamiliar_folder_is_told_of(tiny_model, folder):
    pipeline = load(tiny_model, device="cpu")
    generator = torch.Generator().manual_seed(0)
    known = torch.rand(64, 3, 32, 32, generator=generator) * 0.1 + 0.2
    pipeline.familiarity = Familiarity.of(pipeline.describe(known))
    images = [np.array(to_image) for to_image in ((known[:2] * 255).byte().movedim(1, -1).numpy())]
    near = measure_familiarity(pipeline, images)
    assert near is not None and near["unfamiliar"] == 0 and unfamiliar_line(folder, "given", near) is None
    told: list[Event] = []
    request = EvaluateRequest(model="given", folder=folder, perceptual="none")
    report = evaluate(request, given(pipeline), told.append)
    white = pipeline.describe(to_frames(np.stack([np.full((32, 32, 3), value, np.uint8) for value in (200, 40)])))
    distances = pipeline.familiarity.distance(white)
    measured = report["familiarity"]
    assert measured["clips"] == 2 and measured["unfamiliar"] == int((distances > pipeline.familiarity.limit).sum()) > 0
    assert measured["limit"] == pytest.approx(1.5 * pipeline.familiarity.reach, abs=1e-3)
    (line,) = [event.line for event in told if isinstance(event, Told)]
    assert line.startswith(f"{folder}: {measured['unfamiliar']} of 2 clips are unlike the pictures that given learned")
