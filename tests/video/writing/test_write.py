"""Writing: times, rates, colours, sizes, kinds of output, and that output appears whole or not at all."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kinema.video
from kinema.core.checks import InputError
from kinema.video import VideoWriter, open_video, read_image, write_image
from kinema.video.writing.h264 import time_base_for

RATES = [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(12), Fraction(1, 2), Fraction(120)]
VFR_TIMES = [Fraction(n, d) for n, d in [(0, 1), (1, 25), (9, 100), (1001, 10000), (1, 3), (512, 1536), (5, 8)]]


def write_clip(path, images, rate=Fraction(25), times=None, **options):
    with VideoWriter(path, frame_rate=rate, **options) as writer:
        for index, image in enumerate(images):
            writer.write(image, None if times is None else times[index])
    return path


def read_clip(path, **options):
    with open_video(path, **options) as reader:
        return reader.info, list(reader)


def error_of(first, second):
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
@pytest.mark.parametrize("timed", [False, True])
def test_rates_survive(tmp_path, square_frames, rate, suffix, timed):
    times = [n / rate for n in range(7)] if timed else None
    info, frames = read_clip(write_clip(tmp_path / f"a{suffix}", square_frames(7), rate, times))
    assert info.frame_rate == rate
    assert [frame.time_seconds for frame in frames] == [n / rate for n in range(7)]
    assert info.duration_seconds == pytest.approx(float(7 / rate), abs=1e-6)
    assert (info.codec, info.num_frames) == ("h264", 7)


def test_ntsc_stays_exact_over_minutes(tmp_path):
    rate = Fraction(30000, 1001)
    black = np.zeros((16, 16, 3), np.uint8)
    path = write_clip(tmp_path / "a.mp4", [black] * 4000, rate, [n / rate for n in range(4000)], preset="ultrafast")
    _, frames = read_clip(path, start_seconds=3990 / rate)
    assert [frame.time_seconds for frame in frames] == [n / rate for n in range(3990, 4000)]


def test_variable_rate_survives(tmp_path, square_frames):
    times = sorted(set(VFR_TIMES))
    for start in (Fraction(0), Fraction(7, 3)):
        path = write_clip(tmp_path / "a.mp4", square_frames(len(times)), times=[start + t for t in times])
        info, frames = read_clip(path)
        assert [frame.time_seconds for frame in frames] == times  # the first frame's time becomes 0
        assert info.duration_seconds == pytest.approx(float(times[-1] + Fraction(1, 25)), abs=1e-6)
    _, frames = read_clip(write_clip(tmp_path / "a.mkv", square_frames(len(times)), times=times))
    assert max(abs(frame.time_seconds - t) for frame, t in zip(frames, times, strict=True)) <= Fraction(1, 2000)


def test_a_frame_that_stands_for_an_hour(tmp_path, square_frames):
    images = square_frames(2)
    info, frames = read_clip(write_clip(tmp_path / "a.mp4", images, times=[Fraction(0), Fraction(3600)]))
    assert info.duration_seconds == pytest.approx(3600.04)
    assert frames[-1].time_seconds == 3600 and error_of(frames[-1].image, images[1]) < 6
    assert all(error_of(frame.image, images[0]) < 6 for frame in frames[:-1])


@given(st.sampled_from(RATES), st.integers(0, 10**6))
def test_time_base_counts_whole_ticks(rate, index):
    for constant in (True, False):
        assert (index / rate / time_base_for(rate, constant=constant)).denominator == 1
    for unit in (1000, 600, 12800, 15360, 24000, 48000, 90000):
        assert (Fraction(index, unit) / time_base_for(rate, constant=False)).denominator == 1


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (1, 1), (33, 64)])
def test_odd_sides_repeat_their_edge(tmp_path, square_frames, size):
    image = np.full((*size, 3), (180, 90, 60), np.uint8)
    info, frames = read_clip(write_clip(tmp_path / "a.mp4", [image] * 3, crf=4))
    assert (info.height, info.width) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert np.abs(frames[-1].image.astype(int) - (180, 90, 60)).max() <= 6


@pytest.mark.parametrize(("height", "matrix"), [(64, 6), (720, 1)])
def test_colours_are_tagged_and_come_back(tmp_path, height, matrix):
    colours = np.array([(250, 250, 250), (5, 5, 5), (220, 30, 40), (20, 200, 60), (40, 50, 220)], np.uint8)
    image = np.repeat(colours, 32, axis=0)[None].repeat(height, axis=0)  # (height, 160, 3)
    path = write_clip(tmp_path / "a.mp4", [image] * 2, crf=2, preset="ultrafast")
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        tags = (context.colorspace, context.color_range, context.color_primaries, context.color_trc, context.pix_fmt)
    assert tags == (matrix, 1, 1, 1, "yuv420p")
    _, frames = read_clip(path)
    assert np.abs(frames[0].image[height // 2, 16::32].astype(int) - colours).max() <= 4


@pytest.mark.parametrize("size", [(64, 48), (33, 17)])
def test_lossless_is_exact(tmp_path, size):
    images = np.random.default_rng(0).integers(0, 256, (5, *size, 3), dtype=np.uint8)
    info, frames = read_clip(write_clip(tmp_path / "a.mp4", images, Fraction(15), lossless=True))
    assert (info.height, info.width, info.frame_rate, info.num_frames) == (*size, Fraction(15), 5)
    assert np.array_equal(np.stack([frame.image for frame in frames]), images)


def test_the_index_comes_first(tmp_path, square_frames):
    content = write_clip(tmp_path / "a.mp4", square_frames(5)).read_bytes()
    assert 0 < content.find(b"moov") < content.find(b"mdat")


@pytest.mark.parametrize(("suffix", "unit"), [(".gif", 100), (".webp", 1000)])
def test_animations_keep_times(tmp_path, square_frames, suffix, unit):
    times = [Fraction(n, 100) for n in (0, 4, 9, 21, 25, 33)]
    images = square_frames(6)
    path = write_clip(tmp_path / f"a{suffix}", images, times=times)
    info, frames = read_clip(path)
    assert [frame.time_seconds for frame in frames] == times
    assert info.duration_seconds == pytest.approx(0.37)
    assert max(error_of(frame.image, image) for frame, image in zip(frames, images, strict=True)) < 5
    with Image.open(path) as picture:
        assert picture.info["loop"] == 0  # for ever
    _, frames = read_clip(write_clip(path, images, Fraction(30000, 1001)))
    for index, frame in enumerate(frames):
        assert abs(frame.time_seconds - index * Fraction(1001, 30000)) <= Fraction(1, 2 * unit)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animations_of_one_frame_and_of_equal_frames(tmp_path, square_frames, suffix):
    (image,) = square_frames(1)
    _, frames = read_clip(write_clip(tmp_path / f"one{suffix}", [image]))
    assert len(frames) == 1 and error_of(frames[0].image, image) < 5
    info, frames = read_clip(write_clip(tmp_path / f"same{suffix}", [255 - image] + [image] * 9))
    assert all(error_of(frame.image, image) < 5 for frame in frames[1:])
    assert info.duration_seconds == pytest.approx(0.4)


def test_gif_leaves_out_what_players_would_slow_down(tmp_path, square_frames):
    _, frames = read_clip(write_clip(tmp_path / "a.gif", square_frames(20), Fraction(100)))
    assert [frame.time_seconds for frame in frames] == [Fraction(n, 50) for n in range(10)]


def test_png_frames(tmp_path, square_frames):
    images = square_frames(12)
    folder = write_clip(tmp_path / "frames", images)
    assert sorted(os.listdir(folder)) == [f"{n:05d}.png" for n in range(12)]
    _, frames = read_clip(folder)
    assert all(np.array_equal(frame.image, image) for frame, image in zip(frames, images, strict=True))
    write_clip(folder, images[:3])  # a later, shorter run leaves nothing of the earlier one
    assert len(os.listdir(folder)) == 3
    (folder / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"holds other files \(holiday\.jpg\)"):
        write_clip(folder, images)
    assert (folder / "holiday.jpg").read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["frames"]


def test_png_pattern(tmp_path, square_frames):
    images = square_frames(4)
    (tmp_path / "notes.txt").write_text("stays")
    write_clip(tmp_path / "shot_%03d.png", square_frames(6))
    write_clip(tmp_path / "shot_%03d.png", images)
    assert sorted(os.listdir(tmp_path)) == ["notes.txt", *(f"shot_{n:03d}.png" for n in range(4))]
    assert np.array_equal(read_image(tmp_path / "shot_003.png"), images[3])


def test_output_may_be_the_input(tmp_path, square_frames):
    for name in ("a.mp4", "a.gif", "frames"):
        path = write_clip(tmp_path / name, square_frames(12))
        with (
            open_video(path) as reader,
            VideoWriter(path, frame_rate=reader.info.frame_rate, audio_from=path) as writer,
        ):
            for frame in reader:
                writer.write(255 - frame.image, frame.time_seconds)
        _, frames = read_clip(path)
        assert len(frames) == 12
        assert error_of(frames[0].image, 255 - square_frames(1)[0]) < 8
    assert sorted(os.listdir(tmp_path)) == ["a.gif", "a.mp4", "frames"]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif", "a.webp", "frames", "frame_%05d.png"])
def test_an_error_leaves_everything_as_it_was(tmp_path, square_frames, name):
    path = tmp_path / name
    old = {}
    if "%" not in name:
        write_clip(path, square_frames(2))
        old = {file: file.read_bytes() for file in sorted(tmp_path.rglob("*")) if file.is_file()}
    with pytest.raises(KeyboardInterrupt), VideoWriter(path, frame_rate=Fraction(25)) as writer:
        for image in square_frames(6):
            writer.write(255 - image)
        raise KeyboardInterrupt
    assert {file: file.read_bytes() for file in sorted(tmp_path.rglob("*")) if file.is_file()} == old
    assert os.listdir(tmp_path) == ([name] if old else [])


def test_a_killed_process_leaves_no_output(tmp_path):
    script = """
import sys, time
from fractions import Fraction
import numpy as np
from kinema.video import VideoWriter
with VideoWriter(sys.argv[1], frame_rate=Fraction(25), preset="ultrafast") as writer:
    for index in range(100):
        writer.write(np.full((64, 64, 3), index, np.uint8))
    print("ready", flush=True)
    time.sleep(60)
"""
    source = Path(kinema.video.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    command = [sys.executable, "-c", script, str(tmp_path / "a.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "a.mp4").exists()
    assert [name for name in os.listdir(tmp_path) if not name.startswith(".a.mp4.")] == []


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands for the full disk: the system refuses the write in the same way."""
    noise = [np.random.default_rng(seed).integers(0, 255, (128, 128, 3), np.uint8) for seed in range(20)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        for name in ("a.mp4", "a.mkv", "a.gif", "a.webp"):
            with pytest.raises(InputError, match="could not be written") as info:
                write_clip(tmp_path / name, noise, crf=0, quality=100)
            assert "\n" not in str(info.value)
        with pytest.raises(InputError, match="could not be written"):
            write_image(tmp_path / "a.png", np.concatenate(noise))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("a.xyz", {}, r"cannot write '\.xyz'; give \.mp4"),
        ("a.xyz", {}, r"a pattern such as frames/%05d\.png, or \.png or \.jpg for one picture"),
        ("a.png", {"num_frames": 2}, "is one picture and the result has more frames; give"),
        ("a.webm", {"lossless": True}, r"is not written lossless; give \.mp4"),
        (f"{'x' * 252}.mp4", {}, "the name has 256 bytes, file systems take 255"),
        ("é" * 150, {}, "the name has 300 bytes"),
        ("missing/a.mp4", {}, "does not exist; create it"),
        ("missing/frames", {}, "does not exist; create it"),
        ("a.mp4", {"frame_rate": Fraction(0)}, "frame rate of 0 is refused"),
        ("a.mp4", {"crf": 60}, "crf 60 is refused"),
        ("a.mp4", {"preset": "nonsense"}, "give one of ultrafast"),
        ("a.webp", {"quality": 101}, "quality 101 is refused"),
        ("a.mp4", {"audio_from": "nowhere.mp3"}, "no such file"),
    ],
)
def test_refused_before_the_first_frame(tmp_path, name, options, says):
    with pytest.raises(InputError, match=says):
        VideoWriter(tmp_path / name, **{"frame_rate": Fraction(25), **options})
    assert os.listdir(tmp_path) == []


def test_folder_and_file_are_not_mixed_up(tmp_path):
    (tmp_path / "a.mp4").mkdir()
    (tmp_path / "b").write_text("a file")
    with pytest.raises(InputError, match="is a folder"):
        VideoWriter(tmp_path / "a.mp4", frame_rate=Fraction(25))
    with pytest.raises(InputError, match="is a file"):
        VideoWriter(tmp_path / "b", frame_rate=Fraction(25))


def test_frames_that_do_not_fit(tmp_path, square_frames):
    first, second = square_frames(2)
    for wrong, says in [
        (lambda writer: writer.write(second[:-1]), "frame 1 is 47x64, the first was 48x64"),
        (lambda writer: writer.write(second.astype(np.float32)), "give uint8"),
        (lambda writer: writer.write(second, Fraction(1)), "give all frames times or none"),
    ]:
        with pytest.raises(InputError, match=says), VideoWriter(tmp_path / "a.mp4", frame_rate=Fraction(25)) as writer:
            writer.write(first)
            wrong(writer)
    with (
        pytest.raises(InputError, match="give increasing times"),
        VideoWriter(tmp_path / "a.mp4", frame_rate=Fraction(25)) as writer,
    ):
        for moment in (0, 1, 1):
            writer.write(first, Fraction(moment))
    with (
        pytest.raises(InputError, match="no frame was generated"),
        VideoWriter(tmp_path / "a.mp4", frame_rate=Fraction(25)),
    ):
        pass
    with pytest.raises(InputError, match="sides up to 8192"):
        write_clip(tmp_path / "a.mp4", [np.zeros((2, 9000, 3), np.uint8)])
    assert os.listdir(tmp_path) == []


def test_the_caller_may_reuse_its_array(tmp_path):
    buffer = np.zeros((32, 32, 3), np.uint8)
    with VideoWriter(tmp_path / "frames", frame_rate=Fraction(25)) as writer:
        for value in range(5):
            buffer[:] = value
            writer.write(buffer)
    assert [int(frame.image[0, 0, 0]) for frame in read_clip(tmp_path / "frames")[1]] == list(range(5))


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.webp"])
def test_memory_does_not_grow_with_the_clip(tmp_path, square_frames, name):
    images = square_frames(10, 96, 128)
    tracemalloc.start()
    with VideoWriter(tmp_path / name, frame_rate=Fraction(25), preset="ultrafast") as writer:
        for index in range(300):
            writer.write(images[index % 10])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * images[0].nbytes


def test_writing_is_quiet_and_permissions_are_ordinary(tmp_path, square_frames, capfd):
    path = write_clip(tmp_path / "a.mp4", square_frames(5))
    assert capfd.readouterr() == ("", "")
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tif", ".jpg"])
def test_write_image(tmp_path, square_frames, suffix):
    (image,) = square_frames(1)
    path = tmp_path / f"a{suffix}"
    for _ in range(2):  # the second time over an existing file
        write_image(path, image)
    assert error_of(read_image(path), image) <= (1.5 if suffix == ".jpg" else 0)
    assert os.listdir(tmp_path) == [path.name]


def test_write_image_refuses(tmp_path, square_frames):
    (image,) = square_frames(1)
    with pytest.raises(InputError, match="change the suffix"):
        write_image(tmp_path / "a.mp4", image)
    with pytest.raises(InputError, match="does not exist"):
        write_image(tmp_path / "missing" / "a.png", image)
    with pytest.raises(InputError, match="give uint8"):
        write_image(tmp_path / "a.png", image[..., 0])
    assert os.listdir(tmp_path) == []


def test_importing_is_light():
    source = Path(kinema.video.__file__).parents[2]
    script = "import sys, kinema.video; print('torch' in sys.modules)"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, check=True
    )
    assert done.stdout == b"False\n"
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.webm", "a.gif", "a.webp", "frames"])
def test_a_frame_that_would_stand_for_days_is_refused(tmp_path, name):
    image = np.zeros((16, 16, 3), np.uint8)
    with (
        pytest.raises(InputError, match=r"frame at 0\.1 s would stand for 365\.0 days, at most one is written"),
        VideoWriter(tmp_path / name, frame_rate=Fraction(10)) as writer,
    ):
        for seconds in (Fraction(0), Fraction(1, 10), 365 * 86_400 + Fraction(1, 10)):
            writer.write(image, seconds)
    assert not list(tmp_path.iterdir())
