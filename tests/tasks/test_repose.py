"""A photo and a pose file -> the person in the poses, laid over the photo; nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Event
from kinema.core.types import Joints
from kinema.people.pose_files import PoseTrack, write_poses
from kinema.runtime.load import load
from kinema.tasks.repose import ReposeRequest, repose
from kinema.video import open_video, probe, read_image, write_image

from ..loaded import given
from ..people.poses import standing

SIZE = (160, 240)
PLACE = torch.tensor([120.0, 40.0])


def track_of(*rows: Joints, rate: Fraction | None = None) -> PoseTrack:
    joints = Joints(torch.cat([row.value for row in rows]), torch.cat([row.present for row in rows]))
    return PoseTrack(joints, SIZE, rate, tuple(f"{index:03d}.png" for index in range(len(rows))))


@pytest.fixture(scope="module")
def pipeline(make_model: Callable[..., Path]) -> Any:
    return load(make_model(system="deformable_gan"), device="cpu")


@pytest.fixture
def request_of(tmp_path: Path) -> Callable[..., ReposeRequest]:
    """A photo of noise whose person is said to stand at PLACE, and three poses."""
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    write_image(tmp_path / "photo.png", noise)
    person = Joints(standing().value + PLACE, standing().present)
    write_poses(tmp_path / "photo.json", track_of(person))
    write_poses(tmp_path / "one.json", track_of(standing(shift=(3, 2))))
    rows = [standing(shift=(2 * index, 0)) for index in range(3)]
    write_poses(tmp_path / "walk.json", track_of(*rows, rate=Fraction(30000, 1001)))

    def make(output: str, **changes: Any) -> ReposeRequest:
        request = ReposeRequest(
            photo=tmp_path / "photo.png",
            pose=tmp_path / ("one.json" if output.endswith(".png") else "walk.json"),
            output=tmp_path / output,
            photo_pose=tmp_path / "photo.json",
            model="given",
        )
        return request.replace(**changes)

    return make


def test_one_pose_is_one_picture_of_the_photos_size(pipeline: Any, request_of: Callable[..., ReposeRequest]):
    request = request_of("out.png")
    assert repose(request, given(pipeline)).frames == 1
    photo, made = read_image(request.photo), read_image(request.output)
    assert made.shape == photo.shape
    changed = (made != photo).any(axis=2)
    rows, columns = np.nonzero(changed)
    # The person stands 16 to 24 pixels about PLACE + 16 across and 7 to 56 below it.
    assert 90 < columns.min() and columns.max() < 190 and changed.any()
    assert (made[:, :80] == photo[:, :80]).all()


def test_several_poses_are_a_video_at_the_files_rate(pipeline: Any, request_of: Callable[..., ReposeRequest]):
    request = request_of("out.mp4")
    told: list[Event] = []
    assert repose(request, given(pipeline), told.append).frames == 3
    info = probe(request.output)
    assert info.num_frames == 3 and info.frame_rate == Fraction(30000, 1001) and (info.height, info.width) == SIZE
    assert told == [Advanced("reposing", done, 3) for done in (1, 2, 3)]


def test_the_person_keeps_its_place_whatever_the_poses_size(pipeline: Any, request_of: Callable[..., ReposeRequest]):
    request = request_of("out.png")
    repose(request, given(pipeline))
    large = Joints(4 * standing(shift=(50, 9)).value, standing().present)
    write_poses(request.photo.with_name("large.json"), track_of(large))
    other = request.replace(pose=request.photo.with_name("large.json"), output=request.output.with_name("two.png"))
    repose(other, given(pipeline))
    difference = np.abs(read_image(request.output).astype(int) - read_image(other.output))
    assert difference.mean() < 0.05
    # Taken as pixels of the photo, the same file is somewhere else.
    repose(other.replace(fit=False, output=request.output.with_name("raw.png")), given(pipeline))
    assert np.abs(read_image(request.output).astype(int) - read_image(request.output.with_name("raw.png"))).mean() > 1


def test_backgrounds(pipeline: Any, request_of: Callable[..., ReposeRequest], tmp_path: Path):
    write_image(tmp_path / "wall.png", np.full((50, 50, 3), 77, dtype=np.uint8))
    made = {}
    for name, background in (("fill", "fill"), ("painted", "painted"), ("wall", tmp_path / "wall.png")):
        request = request_of(f"{name}.png", background=background)
        if background == "fill":
            assert repose(request.replace(background="auto", output=tmp_path / "auto.png"), given(pipeline)).frames == 1
        repose(request, given(pipeline))
        made[name] = read_image(request.output)
    assert np.array_equal(made["fill"], read_image(tmp_path / "auto.png"))
    assert (made["wall"][:, :80] == 77).all()
    assert not np.array_equal(made["fill"], made["painted"])


def test_a_model_without_matte_paints_its_window(
    make_model: Callable[..., Path], request_of: Callable[..., ReposeRequest]
):
    plain = load(make_model("generator.matte=false", "objective.matte=0", system="deformable_gan"), device="cpu")
    assert repose(request_of("out.png"), given(plain)).frames == 1
    with pytest.raises(InputError, match="use --background painted"):
        repose(request_of("out.png", background="fill"), given(plain))


def test_a_frame_without_a_pose_shows_the_empty_scene(pipeline: Any, request_of: Callable[..., ReposeRequest]):
    nobody = Joints(torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool))
    request = request_of("out.mp4")
    write_poses(request.pose, track_of(standing(), nobody))
    request = request.replace(output=request.output.with_suffix(""), smooth=0)
    assert repose(request, given(pipeline)).frames == 2
    with open_video(request.output) as reader:
        first, second = (frame.image for frame in reader)
    assert not np.array_equal(first, second)
    assert (second[:, :80] == read_image(request.photo)[:, :80]).all()


def test_side_by_side_shows_photo_pose_and_result(pipeline: Any, request_of: Callable[..., ReposeRequest]):
    request = request_of("out.png", side_by_side=True)
    repose(request, given(pipeline))
    shown = read_image(request.output)
    assert shown.shape == (SIZE[0], 3 * SIZE[1] + 8, 3)
    assert np.array_equal(shown[:, : SIZE[1]], read_image(request.photo))


def test_what_cannot_be_done_is_one_line(pipeline: Any, request_of: Callable[..., ReposeRequest]):
    still = request_of("out.png")
    for request, says in (
        (still.replace(pose=request_of("out.mp4").pose), "is one picture, .* has 3 poses"),
        (still.replace(smooth=-1.0), "--smooth -1.0"),
        (still.replace(photo_pose=request_of("out.mp4").pose), "--photo-pose is one, of the photo"),
        (still.replace(photo=still.photo.with_name("none.png")), r"none\.png"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            repose(request, given(pipeline))
        assert "\n" not in str(caught.value)
    assert not still.output.exists()
