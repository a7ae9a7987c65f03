"""Reading what FFmpeg reads: containers, times, seeking, colours, turning, memory."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
import weakref
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from kinema.core.checks import InputError
from kinema.video import open_video, probe, read_image
from kinema.video.reading.container import ContainerClip

COLOURS = [(255, 255, 255), (0, 0, 0), (230, 30, 40), (20, 200, 60), (40, 50, 220), (128, 128, 128)]


def error_of(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def bars(height: int = 64) -> np.ndarray:
    return np.repeat(np.array(COLOURS, np.uint8), 32, axis=0)[None].repeat(height, axis=0)  # (height, 192, 3)


def test_asset(assets):
    info = probe(assets / "emoji_1f3cb-1f3fb.mp4")
    assert (info.height, info.width, info.num_frames, info.codec, info.has_audio) == (64, 64, 16, "h264", False)
    with open_video(assets / "emoji_1f3cb-1f3fb.mp4") as reader:
        frames = list(reader)
    assert [frame.index for frame in frames] == list(range(16))
    assert [frame.time_seconds for frame in frames] == [index / info.frame_rate for index in range(16)]
    assert all(frame.image.shape == (64, 64, 3) and frame.image.dtype == np.uint8 for frame in frames)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.mkv", "ffv1", "yuv444p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.flv", "libx264", "yuv420p"),
        ("a.mpg", "mpeg2video", "yuv420p"),
        ("a.h264", "libx264", "yuv420p"),
        ("ten.mp4", "libx264", "yuv420p10le"),
        ("ten.mkv", "libx265", "yuv420p10le"),
    ],
)
def test_every_container_gives_its_frames(make_clip, square_frames, name, codec, pix_fmt):
    images = square_frames(12)
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = make_clip(name, images, codec=codec, pix_fmt=pix_fmt, options=options)
    with open_video(path) as reader:
        assert (reader.info.height, reader.info.width, reader.info.frame_rate) == (48, 64, 25)
        frames = list(reader)
    assert len(frames) == 12
    assert max(error_of(frame.image, image) for frame, image in zip(frames, images, strict=True)) < 6
    tolerance = Fraction(1, 1000)
    assert all(abs(frame.time_seconds - Fraction(index, 25)) <= tolerance for index, frame in enumerate(frames))


@pytest.mark.parametrize(("height", "width"), [(33, 47), (1, 1), (2, 3), (17, 200)])
def test_odd_and_tiny_sizes(make_clip, square_frames, height, width):
    image = np.full((height, width, 3), (200, 120, 40), np.uint8)
    path = make_clip("odd.mkv", [image] * 3, codec="ffv1", pix_fmt="bgr0")
    with open_video(path) as reader:
        assert (reader.info.height, reader.info.width) == (height, width)
        assert all(np.array_equal(frame.image, image) for frame in reader)


def test_variable_rate_times_are_exact(make_clip, square_frames):
    ticks = [0, 3003, 3600, 9000, 9001, 30000, 30030]
    path = make_clip("vfr.mp4", square_frames(7), ticks=ticks, time_base=Fraction(1, 90000), options={"bf": "0"})
    with open_video(path) as reader:
        assert [frame.time_seconds for frame in reader] == [Fraction(tick, 90000) for tick in ticks]


def test_times_count_from_the_first_frame(make_clip, square_frames):
    path = make_clip("late.ts", square_frames(4), ticks=[5000, 5040, 5080, 5120], time_base=Fraction(1, 1000))
    with open_video(path) as reader:
        assert [frame.time_seconds for frame in reader] == [Fraction(index, 25) for index in range(4)]


@pytest.mark.parametrize("live", [False, True])
def test_a_recorder_without_a_rate_is_measured(tmp_path, square_frames, live):
    """Browsers count milliseconds and state no rate, often no length either; FFmpeg guesses 1000 a second."""
    path = tmp_path / "recorded.webm"
    rng = np.random.default_rng(0)
    ticks = np.cumsum([0, *rng.choice([16, 33, 34, 50], 119)]).tolist()
    with av.open(str(path), "w", format="webm", options={"live": "1"} if live else {}) as container:
        stream = container.add_stream("libvpx", rate=30)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.framerate = 0  # type: ignore[assignment]
        stream.codec_context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        for tick, image in zip(ticks, square_frames(120), strict=True):
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = tick, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    info = probe(path)
    assert info.frame_rate == Fraction(119 * 1000, ticks[-1])
    assert info.num_frames == 120
    assert info.duration_seconds == pytest.approx(ticks[-1] / 1000, abs=0.1)


def test_a_rate_that_the_times_confirm_is_kept(make_clip, square_frames):
    for name in ("a.mkv", "a.ts", "a.flv"):
        path = make_clip(name, square_frames(30), rate=Fraction(30000, 1001))
        assert probe(path).frame_rate == Fraction(30000, 1001), name


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"g": "10", "bf": "3", "x264-params": "open-gop=1"}),
        ("a.ts", "libx264", {"g": "10", "bf": "2"}),
        ("a.mkv", "libx264", {"g": "250"}),
        ("a.avi", "mpeg4", {"g": "12"}),
        ("a.mpg", "mpeg2video", {"g": "10", "bf": "2"}),
        ("a.gif", "gif", {}),
        ("a.h264", "libx264", {"g": "10"}),
    ],
)
def test_seeking_gives_the_frames_of_reading_through(make_clip, square_frames, name, codec, options):
    pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
    path = make_clip(name, square_frames(40), codec=codec, pix_fmt=pix_fmt, options=options)
    with open_video(path) as reader:
        whole = list(reader)
    assert len(whole) == 40
    between = (whole[20].time_seconds + whole[21].time_seconds) / 2
    for start, first in [(whole[n].time_seconds, n) for n in (1, 9, 10, 11, 29, 39)] + [(between, 21)]:
        with open_video(path, start_seconds=start) as reader:
            rest = list(reader)
        assert [frame.time_seconds for frame in rest] == [frame.time_seconds for frame in whole[first:]]
        assert [frame.index for frame in rest] == list(range(40 - first))
        assert all(np.array_equal(a.image, b.image) for a, b in zip(rest, whole[first:], strict=True))


def test_seeking_past_the_end_is_one_line(assets):
    with (
        open_video(assets / "walk.mp4", start_seconds=60) as reader,
        pytest.raises(InputError, match="60 s") as info,
    ):
        next(reader)
    assert "\n" not in str(info.value) and "lasts 2.4 s" in str(info.value)


@pytest.mark.parametrize("colorspace", [Colorspace.ITU709, Colorspace.ITU601])
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG])
def test_tagged_colours_come_back(make_clip, colorspace, color_range):
    def tag(stream):
        stream.codec_context.colorspace = 1 if colorspace == Colorspace.ITU709 else 6
        stream.codec_context.color_range = color_range

    path = make_clip(
        "tagged.mkv",
        [bars()] * 2,
        options={"qp": "0"},
        prepare=tag,
        dst_colorspace=colorspace,
        src_color_range=ColorRange.JPEG,
        dst_color_range=color_range,
    )
    with open_video(path) as reader:
        image = next(reader).image
    centres = image[32, 16::32].astype(int)
    assert np.abs(centres - COLOURS).max() <= 3


@pytest.mark.parametrize(("height", "colorspace"), [(720, Colorspace.ITU709), (480, Colorspace.ITU601)])
def test_untagged_colours_follow_the_size(make_clip, height, colorspace):
    path = make_clip(
        "untagged.mkv", [bars(height)], options={"qp": "0", "preset": "ultrafast"},
        dst_colorspace=colorspace, src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG,
    )  # fmt: skip
    with open_video(path) as reader:
        centres = next(reader).image[32, 16::32].astype(int)
    assert np.abs(centres - COLOURS).max() <= 3


def test_all_eight_orientations(make_clip):
    corner = np.full((32, 48, 3), 40, np.uint8)
    corner[:8, :16] = (240, 20, 20)  # marks the top left
    for degrees, mirrored in itertools.product((0, 90, 180, 270), (False, True)):
        path = make_clip(
            f"turn{degrees}{mirrored}.mp4",
            [corner] * 2,
            options={"qp": "1"},
            prepare=lambda stream, turn=(degrees, mirrored): stream.set_display_rotation(turn[0], hflip=turn[1]),
        )
        with open_video(path) as reader:
            image = next(reader).image
            assert image.shape[:2] == (reader.info.height, reader.info.width)
        # As PyAV documents it: turned counter-clockwise first, mirrored left to right second.
        expected = np.rot90(corner, degrees // 90)
        expected = expected[:, ::-1] if mirrored else expected
        assert image.shape == expected.shape
        assert error_of(image, expected) < 6, (degrees, mirrored)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_turning_agrees_with_pillow(tmp_path, orientation):
    """Two independent readers of one file: FFmpeg makes a display angle of EXIF, Pillow transposes by itself."""
    corner = np.full((32, 48, 3), 40, np.uint8)
    corner[:8, :16] = 240
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.jpg"
    Image.fromarray(corner).save(path, exif=exif, quality=95)
    clip = ContainerClip(path, (255, 255, 255))
    image, _ = next(clip.frames(Fraction(0)))
    clip.close()
    still = read_image(path)
    assert image.shape == still.shape == ((48, 32, 3) if orientation > 4 else (32, 48, 3))
    assert error_of(image, still) < 3


def test_pixels_become_square(make_clip, square_frames):
    def anamorphic(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(16, 15)

    path = make_clip("dv.mp4", square_frames(2, 48, 60), prepare=anamorphic)
    assert (probe(path).height, probe(path).width) == (48, 64)
    with open_video(path) as reader:
        assert next(reader).image.shape == (48, 64, 3)


def test_a_stream_that_changes_size_keeps_the_first(tmp_path, make_clip, square_frames):
    small = make_clip("small.ts", square_frames(4, 48, 64))
    large = make_clip("large.ts", square_frames(4, 96, 128), ticks=[400, 440, 480, 520], time_base=Fraction(1, 1000))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    with open_video(joined) as reader:
        frames = list(reader)
    assert len(frames) >= 7
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    times = [frame.time_seconds for frame in frames]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_memory_does_not_grow_with_the_clip(make_clip, square_frames):
    images = square_frames(30, 96, 128)
    path = make_clip("long.mp4", images * 20, options={"preset": "ultrafast"})
    alive: list[weakref.ref] = []
    most = count = 0
    gc.collect()
    tracemalloc.start()
    with open_video(path) as reader:
        for frame in reader:
            count += 1
            alive = [one for one in alive if one() is not None] + [weakref.ref(frame)]
            most = max(most, len(alive))
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 600
    assert most <= 2
    assert peak < 12 * images[0].nbytes


def test_reading_stops_when_closed(assets):
    with open_video(assets / "walk.mp4") as reader:
        next(reader)
    assert next(reader, None) is None


def test_ffmpeg_is_quiet(assets, capfd):
    with open_video(assets / "walk.mp4", start_seconds=1) as reader:
        assert sum(1 for _ in reader) == 14
    assert capfd.readouterr() == ("", "")
    assert av.logging.get_level() is None
