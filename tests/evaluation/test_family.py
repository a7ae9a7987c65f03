"""The protocols of parts and of prediction, with figures that a hand computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from kinema.core.checks import InputError
from kinema.evaluation.protocols import EvaluateRequest, evaluate
from kinema.framing.pixels import to_frames
from kinema.runtime.load import load
from kinema.video import VideoWriter, read_image

from ..loaded import given

CLIP_FOLDERS = ("clips", "masks")
# In pixels: points in [-1, 1] out of some ten float32 layers round by 32 eps or so from one batch size or instruction
# set to another, and 15.5 pixels are a unit of theirs.
NETWORK_ROUNDING = 32 * 2**-23 * 15.5


def write_clip(path: Path, images: list[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, frame_rate=10) as writer:  # type: ignore[arg-type]
        for image in images:
            writer.write(image)


def write_masked_clips(folder: Path) -> Path:
    """Red squares on black, and as their truth the square with a strip below it."""
    rows = ["code,split"]
    for number, split in enumerate(("train", "train", "test", "test")):
        images, masks = [], []
        for frame in range(6):
            image, mask = np.zeros((32, 32, 3), dtype=np.uint8), np.zeros((32, 32, 3), dtype=np.uint8)
            left = 4 + 2 * frame
            image[8:24, left : left + 12, 0] = 255
            mask[8:28, left : left + 12] = 255
            images.append(image)
            masks.append(mask)
        write_clip(folder / "clips" / f"c{number}", images)
        write_clip(folder / "masks" / f"c{number}", masks)
        rows.append(f"c{number},{split}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_foreground_iou_is_that_of_the_best_union_on_the_training_clips(red_is_a_part, tmp_path: Path):
    report = evaluate(
        EvaluateRequest(model="given", folder=write_masked_clips(tmp_path), protocol="parts", perceptual="none"),
        given(red_is_a_part),
    )
    assert report["foreground_parts"] == [1] and report["training_clips"] == 2 and report["clips"] == 2
    clips = {name: [read_image(path) for path in sorted((tmp_path / name / "c2").iterdir())] for name in CLIP_FOLDERS}
    ious = []
    for image, mask in zip(clips["clips"], clips["masks"], strict=True):
        found, true = red_is_a_part.labels(image[None])[0] == 1, mask[..., 0] > 0
        ious.append((found & true).sum() / (found | true).sum())
    assert report["metrics"]["foreground_iou"]["mean"] == pytest.approx(np.mean(ious)) and np.mean(ious) > 0.5
    assert report["baselines"]["border_colour"]["foreground_iou"]["mean"] == pytest.approx(16 / 20)
    assert report["baselines"]["whole_frame"]["foreground_iou"]["mean"] == pytest.approx(20 * 12 / 32**2)
    assert report["split"] == "test" and report["frames"] == 12


def test_without_masks_or_splits_the_protocol_says_what_it_needs(red_is_a_part, tmp_path: Path):
    write_clip(tmp_path / "clips" / "a", [np.zeros((32, 32, 3), dtype=np.uint8)] * 3)
    with pytest.raises(InputError, match="needs clips of the splits train and test"):
        evaluate(
            EvaluateRequest(model="given", folder=tmp_path, protocol="parts", perceptual="none"), given(red_is_a_part)
        )


def test_landmarks_that_ride_on_a_part_are_found(red_is_a_part, tmp_path: Path):
    """The landmark lies 3 pixels right of the centre of a red square that is elsewhere in each picture."""
    rng = np.random.default_rng(0)
    lines = ["scorer,me,me", "bodyparts,nose,nose", "coords,x,y"]
    for number in range(24):
        image = np.zeros((64, 64, 3), dtype=np.uint8)
        left, top = rng.integers(4, 44, 2)
        image[top : top + 16, left : left + 16, 0] = 255
        Image.fromarray(image).save(tmp_path / f"p{number}.png")
        lines.append(f"p{number}.png,{left + 7.5 + 3},{top + 7.5}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    report = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="parts", perceptual="none"), given(red_is_a_part)
    )
    assert report["clips"] == 6 and report["training_pictures"] == 18 and report["landmarks"] == ["nose"]
    assert report["metrics"]["landmark_mae"]["mean"] < 2
    assert report["baselines"]["mean_position"]["landmark_mae"]["mean"] > 6


def test_a_clip_that_stands_still_is_predicted_by_repeating(predictor_model, tmp_path: Path):
    """Every baseline is right about the points; only the frame as it is has no error of drawing."""
    pipeline = load(predictor_model, device="cpu")
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    write_clip(tmp_path / "still", [image] * 18)
    write_clip(tmp_path / "short", [image] * 16)
    report = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="prediction", perceptual="none"), given(pipeline)
    )
    assert report["clips"] == 1 and report["frames"] == 16
    baselines = report["baselines"]
    assert baselines["repeat_source"]["l1"]["mean"] == 0
    assert baselines["repeat"]["l1"]["mean"] == pytest.approx(baselines["constant_velocity"]["l1"]["mean"], abs=1e-5)
    for who in ("repeat", "constant_velocity"):
        assert baselines[who]["keypoint_error"]["mean"] == pytest.approx(0, abs=1e-3)
    assert report["metrics"]["keypoint_error"]["mean"] > 1e-3
    errors = []
    first = pipeline.prepare(to_frames(image)).source.kp
    for seed in range(8):
        parts = [kp.value for kp in pipeline.predict_keypoints(first, 16, seed=seed)]
        errors.append(((torch.cat(parts) - first.value).norm(dim=-1) * 15.5).mean().item())
    assert report["metrics"]["keypoint_error_best_of_8"]["mean"] == pytest.approx(min(errors), abs=NETWORK_ROUNDING)
    assert min(errors) < max(errors) and "keypoint_error_best_of_8" not in baselines["repeat"]
    assert len(report["over_time"]["model"]["l1"]) == 16


def test_constant_velocity_goes_on_as_it_began(predictor_model, tmp_path: Path):
    pipeline = load(predictor_model, device="cpu")
    bar = np.repeat(np.arange(32) < 12, 32).reshape(32, 32).T[..., None].repeat(3, 2).astype(np.uint8) * 255
    shapes = [np.roll(bar, shift, 1) for shift in range(18)]
    write_clip(tmp_path / "moves", shapes)
    over_time = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="prediction", perceptual="none"), given(pipeline)
    )["over_time"]
    # Frame 1 is given to it.
    assert over_time["constant_velocity"]["keypoint_error"][0] == pytest.approx(0, abs=1e-3)
    assert over_time["repeat"]["keypoint_error"][0] > 1e-3


def test_clips_that_are_too_short_to_predict_are_said(predictor_model, tmp_path: Path):
    write_clip(tmp_path / "short", [np.zeros((32, 32, 3), dtype=np.uint8)] * 16)
    with pytest.raises(InputError, match="needs clips of more than 16 frames"):
        evaluate(
            EvaluateRequest(model="given", folder=tmp_path, protocol="prediction", perceptual="none"),
            given(load(predictor_model, device="cpu")),
        )
