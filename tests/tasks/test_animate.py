"""Files in, a file out: what is kept, what is chosen, what is refused, and how much is held."""

from __future__ import annotations

import gc
import tracemalloc
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Event
from kinema.data.clips.synthetic import moving_shapes
from kinema.runtime.load import load
from kinema.tasks.animate import AnimateRequest, animate
from kinema.video import DamagedVideoWarning, open_video, read_image, write_image
from kinema.video.frame_batches import BATCH_FRAMES

from ..loaded import given

NTSC = Fraction(30000, 1001)


def sound_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


def test_sound_is_kept_packet_by_packet(pipeline, still, make_clip, tmp_path, tone):
    driving = make_clip("driving.mp4", frames=12, sound=tone(tmp_path / "tone.m4a", 1.2))
    animate(AnimateRequest(source=still, driving=driving, output=tmp_path / "out.mp4", model="given"), given(pipeline))
    packets = sound_packets(driving)
    assert len(packets) > 50 and sound_packets(tmp_path / "out.mp4") == packets
    animate(
        AnimateRequest(source=still, driving=driving, output=tmp_path / "silent.mp4", sound=False, model="given"),
        given(pipeline),
    )
    with open_video(tmp_path / "silent.mp4") as reader:
        assert not reader.info.has_audio


def test_times_are_kept_exactly(pipeline, still, make_clip, tmp_path, read_all):
    uneven = [Fraction(n, 30) for n in (0, 1, 2, 7, 8, 20, 21)]
    for name, options in {"ntsc.mp4": {"rate": NTSC}, "phone.mp4": {"times": uneven, "rate": Fraction(30)}}.items():
        driving = make_clip(name, **options)
        report = animate(
            AnimateRequest(source=still, driving=driving, output=tmp_path / f"out-{name}", model="given"),
            given(pipeline),
        )
        assert read_all(tmp_path / f"out-{name}")[1] == read_all(driving)[1]
        with open_video(driving) as reader:
            assert reader.info.frame_rate == report.frame_rate
    with open_video(tmp_path / "out-ntsc.mp4") as reader:
        assert reader.info.frame_rate == NTSC
    assert read_all(tmp_path / "out-phone.mp4")[1] == uneven
    assert read_all(tmp_path / "out-ntsc.mp4")[1][1] == 1 / NTSC


def test_steps_in_python_give_the_pixels_of_the_command(pipeline, still, make_clip, tmp_path, read_all):
    driving = make_clip("driving.mp4", frames=BATCH_FRAMES + 3)
    animate(
        AnimateRequest(source=still, driving=driving, output=tmp_path / "out", anchor="first", model="given"),
        given(pipeline),
    )
    animation = pipeline.prepare(read_image(still))
    with open_video(driving) as reader:
        by_hand = np.stack([animation.step(frame.image) for frame in reader])
    whole = read_all(tmp_path / "out")[0]
    assert whole.shape == by_hand.shape == (BATCH_FRAMES + 3, 32, 32, 3)
    # Batches of four and of one round differently in the last bit, which may turn a level.
    assert np.abs(whole.astype(int) - by_hand).max() <= 1
    assert len({frame.tobytes() for frame in whole}) == len(whole), "every frame differs"


def test_relative_and_absolute(pipeline, still, make_clip, tmp_path, read_all):
    driving = make_clip("driving.mp4")
    made = {}
    for relative in (True, False):
        request = AnimateRequest(
            source=still,
            driving=driving,
            output=tmp_path / f"{relative}",
            relative=relative,
            anchor="first",
            model="given",
        )
        report = animate(request, given(pipeline))
        assert report.anchor == (0 if relative else None)
        made[relative] = read_all(request.output)[0].astype(int)
    assert np.abs(made[True] - made[False]).max() > 3
    frame = pipeline.frame(read_image(still), "auto").apply(read_image(still))
    # At its anchor the clip leaves the source in its own pose.
    own = pipeline.prepare(frame, relative=False, crop="none").step(frame).astype(int)
    assert np.abs(made[True][0] - own).max() <= 1 < np.abs(made[False][0] - own).max()


def test_auto_finds_the_frame_that_is_the_source(pipeline, make_clip, tmp_path, read_all):
    driving = make_clip("driving.mp4", (32, 32), frames=11)
    write_image(tmp_path / "fifth.png", read_all(driving)[0][5])
    told: list[Event] = []
    request = AnimateRequest(source=tmp_path / "fifth.png", driving=driving, output=tmp_path / "out.mp4", model="given")
    assert animate(request, given(pipeline), told.append).anchor == 5
    assert told[:3] == [Advanced("finding the anchor", done, 11) for done in (4, 8, 11)]
    assert told[3:] == [Advanced("animating", done, 11) for done in (4, 8, 11)]


def test_anchors_by_number(pipeline, still, make_clip, tmp_path):
    driving = make_clip("driving.mp4")
    for anchor, index in {"first": 0, 0: 0, 5: 5}.items():
        assert (
            animate(
                AnimateRequest(source=still, driving=driving, output=tmp_path / "out", anchor=anchor, model="given"),
                given(pipeline),
            ).anchor
            == index
        )
    with pytest.raises(InputError, match=r"anchor 6 is no frame of .*driving.mp4; give 0 to 5, auto or first"):
        animate(
            AnimateRequest(source=still, driving=driving, output=tmp_path / "never.mp4", anchor=6, model="given"),
            given(pipeline),
        )
    with pytest.raises(InputError, match="anchor -1 is no frame"):
        animate(
            AnimateRequest(source=still, driving=driving, output=tmp_path / "never.mp4", anchor=-1, model="given"),
            given(pipeline),
        )
    assert not (tmp_path / "never.mp4").exists()


@pytest.mark.parametrize(
    ("crop", "source", "size"),
    [
        ("auto", (41, 61), (32, 32)),
        ("none", (40, 80), (24, 48)),
        ("none", (49, 51), (32, 32)),
        ((1, 2, 37, 33), (40, 60), (32, 32)),
    ],
)
def test_crops_and_odd_sizes(pipeline, make_clip, tmp_path, crop, source, size):
    picture = tmp_path / "source.png"
    write_image(picture, moving_shapes(1, 1, source, seed=2)[0, 0])
    report = animate(
        AnimateRequest(
            source=picture,
            driving=make_clip("driving.mkv", (51, 87)),
            output=tmp_path / "out.mp4",
            crop=crop,
            model="given",
        ),
        given(pipeline),
    )
    assert report.size == size
    with open_video(tmp_path / "out.mp4") as reader:
        assert (reader.info.height, reader.info.width) == size


def test_side_by_side_shows_source_driving_and_result(pipeline, still, make_clip, tmp_path, read_all):
    driving = make_clip("driving.mp4", (64, 96))
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    animate(AnimateRequest(source=still, driving=driving, output=alone, model="given"), given(pipeline))
    report = animate(
        AnimateRequest(source=still, driving=driving, output=beside, side_by_side=True, model="given"), given(pipeline)
    )
    rows = read_all(beside)[0]
    assert rows.shape[1:3] == (32, 3 * 32 + 2 * 4) and report.size == (32, 32)
    assert np.array_equal(rows[:, :, 72:], read_all(alone)[0])
    source = pipeline.frame(read_image(still), "auto").apply(read_image(still))
    assert all(np.array_equal(row[:, :32], source) for row in rows)
    assert len({row[:, 36:68].tobytes() for row in rows}) == len(rows)


@pytest.mark.parametrize("name", ["out.gif", "out.webp", "frames", "out.mkv"])
def test_every_kind_of_output(pipeline, still, make_clip, tmp_path, read_all, name):
    report = animate(
        AnimateRequest(source=still, driving=make_clip("driving.gif"), output=tmp_path / name, model="given"),
        given(pipeline),
    )
    frames, times = read_all(tmp_path / name)
    assert report.frames == len(frames) == 6 and frames.shape[1:] == (32, 32, 3)
    if name != "frames":
        assert [round(float(time), 2) for time in times] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_video_as_source_gives_its_first_frame(pipeline, make_clip, tmp_path, read_all):
    source, driving = make_clip("source.mp4", seed=5), make_clip("driving.mp4")
    write_image(tmp_path / "first.png", read_image(source))
    animate(AnimateRequest(source=source, driving=driving, output=tmp_path / "a", model="given"), given(pipeline))
    animate(
        AnimateRequest(source=tmp_path / "first.png", driving=driving, output=tmp_path / "b", model="given"),
        given(pipeline),
    )
    assert np.array_equal(read_all(tmp_path / "a")[0], read_all(tmp_path / "b")[0])


def test_a_picture_as_driving_gives_its_pose_but_no_motion(pipeline, still, tmp_path, read_all):
    request = AnimateRequest(source=still, driving=still, output=tmp_path / "one.mp4", model="given")
    with pytest.raises(InputError, match="is one picture and shows no motion"):
        animate(request, given(pipeline))
    assert not (tmp_path / "one.mp4").exists()
    assert animate(request.replace(relative=False), given(pipeline)).frames == 1
    assert len(read_all(tmp_path / "one.mp4")[0]) == 1


def test_the_output_may_be_the_input(pipeline, still, make_clip, tmp_path, tone):
    driving = make_clip("driving.mp4", frames=9, sound=tone(tmp_path / "tone.m4a", 0.8))
    packets = sound_packets(driving)
    animate(
        AnimateRequest(source=still, driving=driving, output=tmp_path / "other.mp4", model="given"), given(pipeline)
    )
    animate(AnimateRequest(source=still, driving=driving, output=driving, model="given"), given(pipeline))
    assert driving.read_bytes() == (tmp_path / "other.mp4").read_bytes()
    assert sound_packets(driving) == packets


def test_the_same_request_gives_the_same_bytes(tiny_model, still, make_clip, tmp_path):
    driving = make_clip("driving.mp4")
    for name in ("a.mp4", "b.mp4"):
        animate(
            AnimateRequest(source=still, driving=driving, output=tmp_path / name, model="given"),
            given(load(tiny_model, device="cpu")),
        )
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_bfloat16_is_close(tiny_model, pipeline, still, make_clip, tmp_path, read_all):
    driving = make_clip("driving.mp4")
    animate(
        AnimateRequest(source=still, driving=driving, output=tmp_path / "a", anchor="first", model="given"),
        given(pipeline),
    )
    low = load(tiny_model, device="cpu", precision="bfloat16")
    animate(
        AnimateRequest(source=still, driving=driving, output=tmp_path / "b", anchor="first", model="given"), given(low)
    )
    difference = np.abs(read_all(tmp_path / "a")[0].astype(int) - read_all(tmp_path / "b")[0])
    assert 0 < difference.mean() < 6


@pytest.mark.parametrize("num_kp", [1, 2])
def test_few_keypoints_warn_and_go_on(make_model, still, make_clip, tmp_path, num_kp):
    few = load(make_model(f"keypoints.num_kp={num_kp}", f"motion.num_kp={num_kp}"), device="cpu")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        request = AnimateRequest(
            source=still, driving=make_clip("driving.mp4"), output=tmp_path / "out.mp4", adapt_scale=True, model="given"
        )
        report = animate(request, given(few))
    said = {str(entry.message) for entry in caught}
    assert said == {
        "anchor: too few distinct keypoints to compare poses, the first frame is used",
        f"adapt-scale: {num_kp} keypoints span no area, movements keep their size",
    }
    assert report.frames == 6 and report.anchor == 0


def test_a_clip_cut_short_is_used_as_far_as_it_goes(pipeline, still, make_clip, tmp_path):
    whole = make_clip("whole.mkv", (64, 64), frames=30)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        assert (
            1
            <= animate(
                AnimateRequest(source=still, driving=cut, output=tmp_path / "out.mp4", model="given"), given(pipeline)
            ).frames
            < 30
        )


@pytest.mark.parametrize(
    ("size", "says"), [((1, 1), r"source.png: a picture of 1x1 pixels .* too small"), ((16, 16384), "too large")]
)
def test_pictures_without_a_usable_size_are_named(pipeline, make_clip, tmp_path, size, says):
    source = tmp_path / "source.png"
    Image.new("RGB", (size[1], size[0])).save(source)
    with pytest.raises(InputError, match=says):
        animate(
            AnimateRequest(source=source, driving=make_clip("driving.mp4"), output=tmp_path / "out.mp4", model="given"),
            given(pipeline),
        )
    assert not (tmp_path / "out.mp4").exists()


def test_an_output_that_cannot_be_is_refused_before_the_search(pipeline, still, make_clip, tmp_path):
    driving = make_clip("driving.mp4")
    for output, says in ((tmp_path / "no" / "out.mp4", "does not exist"), (tmp_path / "out.txt", "cannot write")):
        told: list[Event] = []
        with pytest.raises(InputError, match=says):
            animate(
                AnimateRequest(source=still, driving=driving, output=output, model="given"),
                given(pipeline),
                told.append,
            )
        assert not told


def test_a_longer_clip_holds_no_more(pipeline, still, make_clip, tmp_path):
    held: dict[int, tuple[int, int]] = {}

    def weigh(event: Event) -> None:
        if event == Advanced("animating", count, count):
            gc.collect()
            tensors = sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())
            held[count] = tracemalloc.get_traced_memory()[0], tensors

    for count in (8, 40, 160):  # the first fills caches
        driving = make_clip(f"{count}.mp4", (64, 64), frames=count)
        request = AnimateRequest(
            source=still, driving=driving, output=tmp_path / "out.mp4", anchor="first", model="given"
        )
        tracemalloc.start()
        animate(request, given(pipeline), weigh)
        tracemalloc.stop()
    one_frame = 64 * 64 * 3
    assert held[160][0] - held[40][0] < 8 * one_frame, held
    assert held[160][1] == held[40][1], held


def test_pixels_of_the_source_do_not_crop_the_driving_clip(pipeline, make_clip, tmp_path):
    source = tmp_path / "wide.png"
    write_image(source, np.tile(np.arange(120, dtype=np.uint8)[None, :, None], (80, 1, 3)))
    driving = make_clip("driving.mkv", (40, 48))
    box = (60, 20, 50, 50)  # does not fit the driving clip
    animate(
        AnimateRequest(source=source, driving=driving, output=tmp_path / "out.mp4", crop=box, model="given"),
        given(pipeline),
    )
    with pytest.raises(InputError, match="crop 60,20,50,50"):
        animate(
            AnimateRequest(
                source=source, driving=driving, output=tmp_path / "out.mp4", crop=box, crop_driving=box, model="given"
            ),
            given(pipeline),
        )
