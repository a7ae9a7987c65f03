"""``kinema animate`` as a user meets it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from kinema.data.clips.synthetic import moving_shapes
from kinema.video import VideoWriter, open_video, write_image


def sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        for start in range(0, 9 * 1024, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def stream_without_frames(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        container.start_encoding()


def video_of_size(path: Path, width: int, height: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


# Name -> what makes it of its path and of an intact clip, and what the line says of it.
BROKEN: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "missing.mp4": (lambda path, clip: None, "no such file"),
    "empty.mp4": (lambda path, clip: path.write_bytes(b""), "the file is empty"),
    "truncated.mp4": (lambda path, clip: path.write_bytes(clip.read_bytes()[:500]), "cut short"),
    "text.mp4": (lambda path, clip: path.write_text("This is no video.\n" * 50), "read"),
    "frameless.avi": (lambda path, clip: stream_without_frames(path), "no frame in it can be decoded"),
    "streamless.mov": (lambda path, clip: stream_without_frames(path), "no video stream"),
    "sound.m4a": (lambda path, clip: sound_only(path), "holds sound only"),
    "dot.mkv": (lambda path, clip: video_of_size(path, 1, 1), "1x1 pixels (width x height) is too small"),
    "dot.png": (lambda path, clip: Image.new("RGB", (1, 1)).save(path), "1x1 pixels (width x height) is too small"),
    "wide.mkv": (lambda path, clip: video_of_size(path, 16384, 16), "too large"),
    "wide.png": (lambda path, clip: Image.new("RGB", (16384, 16)).save(path), "too large"),
    "folder": (lambda path, clip: path.mkdir(), "holds no frames"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_one_line_and_leave_nothing(kinema, tiny_model, assets, tmp_path, name):
    make, says = BROKEN[name]
    intact, out = assets / "walk.mp4", tmp_path / "out"
    out.mkdir()
    make(tmp_path / name, intact)
    for source, driving in ((tmp_path / name, intact), (intact, tmp_path / name)):
        code, printed, err = kinema("animate", source, driving, "-o", out / "a.mp4", "--model", tiny_model)
        assert (code, printed) == (2, ""), err
        assert err.startswith("kinema: ") and err.count("\n") == 1 and says in err and name in err, err
        assert not list(out.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--anchor", "24"), "anchor 24 is no frame of"),
        (("--anchor", "-1"), "--anchor -1: expected auto, first, or a frame number from 0"),
        (("--anchor", "best"), "--anchor best: expected"),
        (("--crop", "centre"), "--crop centre: expected auto, none, or X,Y,WIDTH,HEIGHT"),
        (("--crop", "0,0,65,64"), "crop 0,0,65,64 (x, y, width, height) does not fit the picture of 64x64"),
        (("--precision", "half"), "precision 'half' is unknown; accepted: float32, bfloat16"),
        (("--device", "gpu"), "device 'gpu' cannot be used"),
        (("--model", "first_order-cats"), "model 'first_order-cats' is unknown"),
        (("-o", "no/such/folder/a.mp4"), "does not exist"),
        (("-o", "a.docx"), "cannot write '.docx'"),
    ],
)
def test_wrong_words_are_one_line(kinema, tiny_model, assets, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    clip = assets / "walk.mp4"
    code, printed, err = kinema("animate", clip, clip, "-o", "a.mp4", "--model", tiny_model, *words)
    assert (code, printed) == (2, "") and err.count("\n") == 1 and says in err, err
    assert not list(tmp_path.iterdir())


def test_all_options_at_once(kinema, tiny_model, assets, tmp_path):
    out = tmp_path / "a [beside].mp4"
    words = ["animate", assets / "portrait.jpg", assets / "walk.mp4", "-o", out, "--model", tiny_model]
    words += ["--absolute", "--side-by-side", "--crop", "8,8,48,48", "--no-sound", "--seed", "3", "--device", "cpu"]
    code, printed, err = kinema(*words)
    assert (code, printed) == (0, "") and err == f"{out}: 24 frames of 32x32 at 10 a second\n"
    with open_video(out) as reader:
        assert (reader.info.width, reader.info.height, reader.info.num_frames) == (104, 32, 24)


def times_and_sound(path: Path) -> tuple[list[Fraction], list[bytes]]:
    with open_video(path) as reader:
        times = [frame.time_seconds for frame in reader]
    with av.open(str(path)) as container:
        return times, [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


@pytest.mark.parametrize("system", ["monkey_net", "co_part"])
@pytest.mark.parametrize(
    ("words", "size", "note"),
    [
        ((), (32, 32), ", anchor: driving frame [0-4]"),
        (("--absolute", "--crop", "none"), (48, 16), ""),
        (("--anchor", "2", "--adapt-scale"), (32, 32), ", anchor: driving frame 2"),
    ],
)
def test_every_system_keeps_sizes_times_and_sound(kinema, make_model, tmp_path, system, words, size, note):
    driving, still, out = tmp_path / "driving.mp4", tmp_path / "still.png", tmp_path / "out.mp4"
    clip = moving_shapes(1, 5, (48, 64), seed=1)[0]
    sound_only(tmp_path / "sound.m4a")
    # As a phone films: 30 a second at most, frames missing.
    uneven = [Fraction(n, 30) for n in (0, 1, 4, 5, 9)]
    with VideoWriter(driving, frame_rate=Fraction(30), audio_from=tmp_path / "sound.m4a", preset="ultrafast") as writer:
        for image, time in zip(clip, uneven, strict=True):
            writer.write(image, time)
    # Wide enough that the whole of it is no square.
    write_image(still, np.concatenate([clip[3, 4:44], clip[3, 4:44, :26]], axis=1) if "none" in words else clip[3])
    code, printed, err = kinema("animate", still, driving, "-o", out, "--model", make_model(system=system), *words)
    assert (code, printed) == (0, ""), err
    with open_video(driving) as reader:
        rate = f"{float(reader.info.frame_rate):g}"
    assert re.fullmatch(f"{out}: 5 frames of {size[0]}x{size[1]} at {rate} a second{note}\n", err), err
    times, sound = times_and_sound(out)
    assert times == uneven and len(sound) > 5 and sound == times_and_sound(driving)[1]
    with open_video(out) as reader:
        assert (reader.info.width, reader.info.height) == size
        frames = [frame.image for frame in reader]
    assert len({frame.tobytes() for frame in frames}) == 5, "every frame differs"


def test_a_gif_and_an_anchor(kinema, tiny_model, assets, tmp_path):
    words = ["animate", assets / "portrait.jpg", assets / "walk.mp4", "-o", tmp_path / "a.gif", "--anchor", "3"]
    code, _, err = kinema(*words, "--model", tiny_model, "--adapt-scale")
    assert code == 0 and err.endswith("a second, anchor: driving frame 3\n")


def test_in_a_process_of_its_own(tiny_model, make_model, assets, tmp_path):
    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kinema", "animate", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    clip, out = assets / "walk.mp4", tmp_path / "a.mp4"
    (tmp_path / "text.mp4").write_text("This is no video.")
    refused = run(clip, tmp_path / "text.mp4", "-o", out, "--model", tiny_model)
    assert refused.returncode == 2 and refused.stdout == "" and not out.exists()
    assert refused.stderr.startswith("kinema: ") and refused.stderr.count("\n") == 1
    pair = make_model("keypoints.num_kp=2", "motion.num_kp=2")
    made = run(clip, clip, "-o", out, "--model", pair, "--adapt-scale")
    assert made.returncode == 0 and out.exists()
    warned = [line for line in made.stderr.splitlines() if line.startswith("kinema: warning: ")]
    assert len(warned) == 2 and len(made.stderr.splitlines()) == 3, made.stderr
