"""Pictures and videos as they are become pictures cut to a person, with joints that lie where they lay."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.data.labelled.person_folder import FRAMES_PER_VIDEO, read_person_folder
from kinema.data.samples.person_pairs import PeopleConfig, PersonPairs
from kinema.people.pose_files import PoseTrack, write_poses
from kinema.people.skeleton import INDEX
from kinema.video import VideoWriter, write_image

from ...people.poses import standing

SIZE = (64, 32)


def write_poses_beside(path: Path, count: int, *, scale: float = 1.0, shift: tuple[float, float] = (0, 0)) -> None:
    row = standing()
    value = scale * row.value + torch.tensor(shift)
    joints = Joints(value.expand(count, -1, -1), row.present.expand(count, -1))
    names = tuple(f"{index:06d}.png" for index in range(count))
    write_poses(path.with_suffix(".json"), PoseTrack(joints, (400, 300), None, names))


def write_photo(path: Path, *, scale: float = 4.0, shift: tuple[float, float] = (100, 50)) -> None:
    """Grey, a white dot of 9 x 9 at the person's left hip."""
    picture = np.full((400, 300, 3), 90, dtype=np.uint8)
    x, y = (round(scale * value + offset) for value, offset in zip((19, 32), shift, strict=True))
    picture[y - 4 : y + 5, x - 4 : x + 5] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, picture)
    write_poses_beside(path, 1, scale=scale, shift=shift)


def test_photos_are_cut_to_the_person_and_their_joints_go_along(tmp_path: Path):
    for name in ("ann_1.png", "ann_2.png", "bob_1.png"):
        write_photo(tmp_path / name)
    told: list[tuple[int, int]] = []
    found = read_person_folder(tmp_path, SIZE, on_progress=lambda done, total: told.append((done, total)))
    assert [image.identity for image in found.people] == ["ann", "ann", "bob"] and not found.unreadable
    assert told[-1] == (3, 3)
    image = found.people[0]
    picture = image.picture()
    assert picture.shape == (128, 64, 3)  # twice the size, the photo having more
    bright = np.argwhere(picture[..., 0] > 200).mean(axis=0)
    np.testing.assert_allclose(image.points[INDEX["left_hip"]], bright[::-1], atol=0.6)


def test_people_are_sub_folders_or_names_and_pairs_come_of_them(tmp_path: Path):
    for name in ("ann/front.png", "ann/back.png", "bob/a.png", "bob/b.png"):
        write_photo(tmp_path / name)
    people = read_person_folder(tmp_path, SIZE).people
    assert {image.identity for image in people} == {"ann", "bob"}
    pairs = PersonPairs(people, PeopleConfig(size=SIZE), seed=0)
    assert pairs.num_people == 2 and pairs.batch(0, 4).source.shape == (4, 3, *SIZE)


def test_case_of_splits_does_not_matter_and_runs_are_passed_over(tmp_path: Path):
    write_photo(tmp_path / "Train" / "ann_1.png")
    write_photo(tmp_path / "Test" / "bob_1.png")
    for name in ("config.json", "starts.jsonl", "samples/0000002.png"):
        (tmp_path / "Train" / "runs" / "one" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "Train" / "runs" / "one" / name).touch()
    found = read_person_folder(tmp_path, SIZE)
    assert [image.identity for image in found.people] == ["ann"] and not found.unreadable
    with pytest.raises(InputError, match="one: is the folder of a run or a model, not of people"):
        read_person_folder(tmp_path / "Train" / "runs" / "one", SIZE)
    (tmp_path / "train").mkdir()
    with pytest.raises(InputError, match="Train and train are of one split; bring them into one folder"):
        read_person_folder(tmp_path, SIZE)


def test_splits_are_sub_folders_and_nobody_is_in_two(tmp_path: Path):
    write_photo(tmp_path / "train" / "ann_1.png")
    write_photo(tmp_path / "test" / "bob_1.png")
    assert [image.identity for image in read_person_folder(tmp_path, SIZE, split="test").people] == ["bob"]
    assert [image.identity for image in read_person_folder(tmp_path, SIZE).people] == ["ann"]
    write_photo(tmp_path / "test" / "ann_7.png")
    with pytest.raises(InputError, match="person 'ann' is in train and test"):
        read_person_folder(tmp_path, SIZE)
    with pytest.raises(InputError, match="has no split 'val'"):
        read_person_folder(tmp_path, SIZE, split="val")


def test_a_video_gives_frames_spread_over_its_length(tmp_path: Path):
    count = 2 * FRAMES_PER_VIDEO
    with VideoWriter(tmp_path / "ann.mp4", frame_rate=Fraction(25), preset="ultrafast") as writer:
        for index in range(count):
            writer.write(np.full((80, 60, 3), index, dtype=np.uint8))
    write_poses_beside(tmp_path / "ann.mp4", count)
    people = read_person_folder(tmp_path, SIZE).people
    assert len(people) == FRAMES_PER_VIDEO
    assert [image.name for image in people[:3]] == ["ann.mp4:000000", "ann.mp4:000002", "ann.mp4:000004"]
    assert people[-1].picture().mean() == pytest.approx(count - 2, abs=4)


def test_files_that_cannot_be_used_are_told_and_left_out(tmp_path: Path):
    write_photo(tmp_path / "ann_1.png")
    (tmp_path / "bob_1.jpg").write_text("no picture")
    write_photo(tmp_path / "cid_1.png")
    nobody = Joints(standing().value, torch.zeros(1, 18, dtype=torch.bool))
    write_poses(tmp_path / "cid_1.json", PoseTrack(nobody, (400, 300), None, ("cid_1.png",)))
    found = read_person_folder(tmp_path, SIZE)
    assert [image.identity for image in found.people] == ["ann"]
    assert [entry.path.name for entry in found.unreadable] == ["bob_1.jpg", "cid_1.png"]
    with pytest.raises(InputError, match="no pictures or videos in it"):
        (tmp_path / "empty").mkdir()
        read_person_folder(tmp_path / "empty", SIZE)
    with pytest.raises(InputError, match="is no folder"):
        read_person_folder(tmp_path / "nowhere", SIZE)
