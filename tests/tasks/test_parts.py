"""What is written of an object's parts fits what the network says, in every form."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.tasks.parts import PartsRequest, describe, find_parts
from kinema.video import open_video, overlay, part_colours, probe, read_image, read_mask, write_image
from kinema.video.masks import number_parts

from ..loaded import given


def test_areas_and_centres_are_those_of_a_drawn_map():
    labels = np.zeros((10, 20), dtype=np.uint8)
    labels[2:4, 5:9] = 2
    rows = describe(labels, 3)
    assert rows[1] == {"part": 2, "area": 8 / 200, "centre": [6.5, 2.5]}
    assert rows[0] == {"part": 1, "area": 0.0, "centre": None} and len(rows) == 3


def test_masks_overlay_and_numbers_tell_the_same(parts_pipeline, make_clip, tmp_path: Path):
    clip = make_clip("clip.mp4", (50, 70), 6)
    for form, name in (("masks", "masks"), ("json", "parts.json"), ("overlay", "frames")):
        assert (
            find_parts(
                PartsRequest(source=clip, output=tmp_path / name, form=form, numbers=False, model="given"),
                given(parts_pipeline),
            ).frames
            == 6
        )
    told = json.loads((tmp_path / "parts.json").read_text())
    assert (told["width"], told["height"], told["num_parts"], len(told["frames"])) == (70, 50, 4, 6)
    assert [frame["time_seconds"] for frame in told["frames"]] == pytest.approx([index / 10 for index in range(6)])
    with open_video(clip) as reader:
        for index, frame in enumerate(reader):
            labels = read_mask(tmp_path / "masks" / f"{index:05d}.png")
            assert labels.shape == (50, 70) and (labels == parts_pipeline.labels(frame.image[None])[0]).all()
            assert told["frames"][index]["parts"] == describe(labels, 4)
            shown = read_image(tmp_path / "frames" / f"{index:05d}.png")
            assert (shown == overlay(frame.image, labels, part_colours(5))).all()
    assert len(np.unique(labels)) > 1, "the tiny model shows no two parts"


def test_an_overlay_keeps_times_and_sound(parts_pipeline, make_clip, sound_file, tmp_path: Path):
    clip = make_clip("clip.mp4", frames=5, sound=sound_file)
    find_parts(PartsRequest(source=clip, output=tmp_path / "parts.mp4", model="given"), given(parts_pipeline))
    before, after = probe(clip), probe(tmp_path / "parts.mp4")
    assert after.has_audio and (after.height, after.width) == (before.height, before.width)
    assert after.frame_rate == before.frame_rate


def test_a_still_gives_a_still(parts_pipeline, still, tmp_path: Path):
    assert (
        find_parts(
            PartsRequest(source=still, output=tmp_path / "shown.png", model="given"), given(parts_pipeline)
        ).frames
        == 1
    )
    assert (
        find_parts(
            PartsRequest(source=still, output=tmp_path / "mask.png", form="masks", model="given"), given(parts_pipeline)
        ).frames
        == 1
    )
    assert read_image(tmp_path / "shown.png").shape == (40, 60, 3)
    assert read_mask(tmp_path / "mask.png").shape == (40, 60)


@pytest.mark.parametrize(
    ("name", "form", "says"),
    [
        ("shown.png", "overlay", "is one picture and"),
        ("mask.png", "masks", "is one picture and the clip has more"),
        ("parts.txt", "json", "are written as .json"),
        ("parts.mp4", "masks", "video would not keep them"),
        ("nowhere/parts.json", "json", "does not exist"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    parts_pipeline, make_clip, tmp_path: Path, name: str, form: str, says: str
):
    clip = make_clip("clip.mp4")
    with pytest.raises(InputError, match=says) as caught:
        find_parts(
            PartsRequest(source=clip, output=tmp_path / name, form=form, numbers=False, model="given"),
            given(parts_pipeline),
        )  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_tiny_picture_is_refused_with_its_name(parts_pipeline, tmp_path: Path):
    from kinema.video import write_image

    write_image(tmp_path / "dot.png", np.zeros((4, 4, 3), dtype=np.uint8))
    with pytest.raises(InputError, match=r"dot\.png: a picture of 4x4 pixels"):
        find_parts(
            PartsRequest(source=tmp_path / "dot.png", output=tmp_path / "out.png", model="given"), given(parts_pipeline)
        )


def test_numbers_stand_on_their_parts_and_nowhere_else():
    labels = np.zeros((120, 160), dtype=np.uint8)
    labels[10:60, 20:70], labels[70:110, 90:150], labels[0:2, 0:2] = 3, 12, 5
    image = np.full((120, 160, 3), 90, dtype=np.uint8)
    numbered = number_parts(image, labels)
    changed = (numbered != image).any(axis=2)
    assert changed[labels == 3].any() and changed[labels == 12].any()
    assert not changed[labels == 0].any() and not changed[labels == 5].any()  # the latter has no room for one


def test_the_result_says_which_parts_were_seen(red_is_a_part, tmp_path: Path):
    image = np.zeros((32, 32, 3), dtype=np.uint8)
    image[8:24, 8:24, 0] = 255
    write_image(tmp_path / "red.png", image)
    request = PartsRequest(source=tmp_path / "red.png", output=tmp_path / "out.png", model="given")
    result = find_parts(request, given(red_is_a_part))
    assert result.used == (1,) and result.num_parts == 4
