"""Poses go out and come back in every form; what other programs write is read; what is broken is named."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.people.pose_files import PoseTrack, check_poses_target, read_poses, write_poses
from kinema.people.skeleton import INDEX

from .poses import STANDING

SHOULDERS = [INDEX["left_shoulder"], INDEX["right_shoulder"]]


def make_track(count: int) -> PoseTrack:
    """A person who moves, the neck between the shoulders, in the last frame without a wrist."""
    points = torch.tensor([STANDING[name] for name in INDEX], dtype=torch.float32)
    value = points + 0.25 * torch.arange(count)[:, None, None]
    value[:, INDEX["neck"]] = value[:, SHOULDERS].mean(dim=1)
    present = torch.ones(count, 18, dtype=torch.bool)
    present[-1, INDEX["left_wrist"]] = False
    return PoseTrack(Joints(value, present), (128, 64), Fraction(30000, 1001), tuple(f"{i}.png" for i in range(count)))


def assert_same(read: PoseTrack, track: PoseTrack) -> None:
    assert torch.equal(read.joints.present, track.joints.present)
    there = track.joints.present
    torch.testing.assert_close(read.joints.value[there], track.joints.value[there], atol=0.006, rtol=0)


@pytest.mark.parametrize(
    ("name", "count", "keys"),
    [
        ("pose.json", 1, {"people"}),
        ("poses.json", 12, {"images", "annotations"}),
        ("a.csv", 12, set()),
        ("a", 12, set()),
    ],
)
def test_what_is_written_is_read_back(tmp_path: Path, name: str, count: int, keys: set[str]):
    track = make_track(count)
    write_poses(tmp_path / name, track)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    read = read_poses(tmp_path / name)
    assert_same(read, track)
    if name != "a.csv":
        assert (read.size, read.frame_rate) == (track.size, track.frame_rate)
    if keys:
        assert keys <= json.loads((tmp_path / name).read_text()).keys()


def test_names_are_kept_where_the_form_has_them(tmp_path: Path):
    track = make_track(12)
    for name in ("poses.json", "poses.csv"):
        write_poses(tmp_path / name, track)
        assert read_poses(tmp_path / name).names == track.names
    write_poses(tmp_path / "folder", track)
    write_poses(tmp_path / "folder", make_track(2))  # an earlier run's folder is replaced
    assert read_poses(tmp_path / "folder").names == ("000000000000", "000000000001")


def test_a_frame_without_a_person_stays_empty(tmp_path: Path):
    track = make_track(3)
    track.joints.present[1] = False
    for name in ("poses.json", "poses.csv", "folder"):
        write_poses(tmp_path / name, track)
        assert_same(read_poses(tmp_path / name), track)


def test_a_form_may_be_chosen(tmp_path: Path):
    write_poses(tmp_path / "one.json", make_track(1), form="coco")
    assert "annotations" in json.loads((tmp_path / "one.json").read_text())
    with pytest.raises(InputError, match="an OpenPose file is one frame, there are 2"):
        write_poses(tmp_path / "two.json", make_track(2), form="openpose")
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


def openpose(*people: np.ndarray) -> str:
    return json.dumps({"people": [{"pose_keypoints_2d": person.ravel().tolist()} for person in people]})


def numbered(count: int, scale: float = 1) -> np.ndarray:
    rows = np.arange(count, dtype=float)
    return np.stack([10 + scale * rows, 50 + scale * rows, np.ones(count)], axis=1)


@pytest.mark.parametrize(
    ("count", "left_hip", "left_ear", "nose"), [(18, 11, 17, 0), (25, 12, 18, 0), (15, 11, None, None)]
)
def test_openpose_models_are_told_by_their_count(tmp_path: Path, count, left_hip, left_ear, nose):
    (tmp_path / "pose.json").write_text(openpose(numbered(count)))
    joints = read_poses(tmp_path / "pose.json").joints
    for name, index in (("left_hip", left_hip), ("left_ear", left_ear), ("nose", nose)):
        row = INDEX[name]
        assert bool(joints.present[0, row]) == (index is not None)
        if index is not None:
            assert joints.value[0, row].tolist() == [10 + index, 50 + index]


def test_the_largest_person_is_taken_and_no_confidence_is_missing(tmp_path: Path):
    large = numbered(18, scale=3)
    large[4] = 0
    (tmp_path / "pose.json").write_text(openpose(numbered(18), large, numbered(18, scale=2)))
    joints = read_poses(tmp_path / "pose.json").joints
    assert joints.value[0, 1].tolist() == [13, 53] and joints.present[0].sum() == 17 and not joints.present[0, 4]


def test_frames_of_a_folder_are_in_the_order_of_their_numbers(tmp_path: Path):
    for number in (2, 10, 9):
        (tmp_path / f"clip_{number}_keypoints.json").write_text(openpose(numbered(18) + number))
    track = read_poses(tmp_path)
    assert track.names == ("clip_2", "clip_9", "clip_10") and track.joints.value[:, 0, 0].tolist() == [12, 19, 20]


def test_coco_frames_are_in_the_order_of_their_ids_with_a_neck_between_the_shoulders(tmp_path: Path):
    keypoints = np.stack([np.arange(17), np.arange(17) * 2, np.full(17, 2)], axis=1)
    hidden = keypoints.copy()
    hidden[5] = 0  # left shoulder
    images = [{"id": 10, "file_name": "b.jpg"}, {"id": 9, "file_name": "a.jpg", "height": 9, "width": 8}]
    listed = [(10, hidden), (9, keypoints), (9, keypoints // 2)]
    annotations = [{"image_id": number, "keypoints": rows.ravel().tolist()} for number, rows in listed]
    (tmp_path / "coco.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    track = read_poses(tmp_path / "coco.json")
    assert track.names == ("a.jpg", "b.jpg") and track.size is None
    assert track.joints.value[0, INDEX["neck"]].tolist() == [5.5, 11]
    assert track.joints.value[0, INDEX["right_ankle"]].tolist() == [16, 32]
    assert not track.joints.present[1, [INDEX["neck"], INDEX["left_shoulder"]]].any()
    assert track.joints.present.sum() == 34


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("pose.json", "{", "is no JSON"),
        ("pose.json", "[]", "has neither 'people' nor"),
        ("pose.json", '{"people": 3}', "has no list 'people'"),
        ("pose.json", '{"people": [{}]}', "keypoints are no list of numbers|has 1 numbers"),
        ("pose.json", '{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "has 3 numbers; expected .* 18 or 25 or 15"),
        ("pose.json", '{"people": [{"pose_keypoints_2d": ["x"]}]}', "no list of numbers"),
        ("pose.json", '{"images": [], "annotations": []}', "no annotation has 'keypoints'"),
        (
            "pose.json",
            '{"images": [{"id": 1}], "annotations": [{"image_id": 2, "keypoints": [1]}]}',
            "names no image|has 1",
        ),
        ("pose.csv", "name:keypoints_y:keypoints_x\n", "holds no poses"),
        ("pose.txt", "", "'.txt' is no pose file"),
        ("pose.json", None, "cannot be read"),
    ],
)
def test_what_is_broken_is_named_in_one_line(tmp_path: Path, name: str, text: str | None, says: str):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_poses(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


def test_targets_that_do_not_fit_are_refused(tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    (tmp_path / "plain").touch()
    cases = {"poses.txt": "'.txt'", "nowhere/a.json": "does not exist", "full": "notes.txt", "plain": "is a file"}
    for name, says in cases.items():
        with pytest.raises(InputError, match=says):
            check_poses_target(tmp_path / name)
    with pytest.raises(InputError, match="a folder holds OpenPose JSON, not coco"):
        check_poses_target(tmp_path / "new", form="coco")
    with pytest.raises(InputError, match="'.csv' as coco"):
        check_poses_target(tmp_path / "a.csv", form="coco")
    with pytest.raises(InputError, match="named 'a:b'"):
        write_poses(tmp_path / "a.csv", replace(make_track(1), names=("a:b",)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "plain"]


def write_openpose(path: Path, points: list[tuple[float, float]], **more: object) -> Path:
    rows = [number for x, y in points for number in (x, y, 1.0)] + [0.0] * (3 * (18 - len(points)))
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": rows}]} | more))
    return path


def test_normalised_joints_become_pixels_of_the_canvas(tmp_path: Path):
    points = [(0.5, 0.25), (0.25, 0.5), (1.0, 1.0)]
    canvas = {"canvas_width": 200, "canvas_height": 100}
    track = read_poses(write_openpose(tmp_path / "a.json", points, **canvas))
    np.testing.assert_allclose(track.joints.value[0, :3], [[100, 25], [50, 50], [200, 100]], atol=1e-4)
    centred = read_poses(write_openpose(tmp_path / "b.json", [(-1.0, 0.0), (1.0, -0.5)], **canvas))
    np.testing.assert_allclose(centred.joints.value[0, :2], [[0, 50], [200, 25]], atol=1e-4)
    with pytest.raises(InputError, match="normalised, and canvas_width and canvas_height are missing"):
        read_poses(write_openpose(tmp_path / "c.json", points))
    pixels = read_poses(write_openpose(tmp_path / "d.json", [(0.5, 0.25), (30.0, 40.0)], **canvas))
    assert pixels.joints.value[0, 1].tolist() == [30, 40]


@pytest.mark.parametrize("empty", [[], None])
def test_a_person_without_a_body_is_passed_over(tmp_path: Path, empty: object):
    rows = [number for joint in range(18) for number in (10.0 + joint, 20.0, 1.0)]
    people = [{"face_keypoints_2d": [1.0], "pose_keypoints_2d": empty}, {"pose_keypoints_2d": rows}]
    (tmp_path / "a.json").write_text(json.dumps({"people": people}))
    assert read_poses(tmp_path / "a.json").joints.present.all()
    (tmp_path / "b.json").write_text(json.dumps({"people": people[:1]}))
    assert not read_poses(tmp_path / "b.json").joints.present.any()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 3000 + "]" * 3000, "nested too deep"),
        (json.dumps({"people": [{"pose_keypoints_2d": [10**400] * 54}]}), "no list of numbers"),
        ('{"people": 3', "is no JSON"),
    ],
)
def test_hostile_files_are_one_line(tmp_path: Path, text: str, says: str):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_poses(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rate", ["1e300000000", float("inf"), "1/0", True, "9" * 100])
def test_a_rate_that_cannot_be_is_none(tmp_path: Path, rate: object):
    points = [(3.0 + joint, 4.0) for joint in range(18)]
    assert read_poses(write_openpose(tmp_path / "a.json", points, frame_rate=rate)).frame_rate is None


def test_a_folder_is_normalised_in_one_way(tmp_path: Path):
    canvas = {"canvas_width": 200, "canvas_height": 100}
    write_openpose(tmp_path / "0.json", [(-0.5, 0.0), (0.5, 0.5)], **canvas)
    write_openpose(tmp_path / "1.json", [(0.0, 0.0), (0.5, 0.5)], **canvas)  # alone it would be read as 0 to 1
    track = read_poses(tmp_path)
    np.testing.assert_allclose(track.joints.value[:, :2], [[[50, 50], [150, 75]], [[100, 50], [150, 75]]], atol=1e-4)
