"""Kinds of output beside H.264: WebM, AVI, one picture, and frames with alpha in all that hold it."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.video import VideoWriter, open_video, read_image, write_image

from ...decoded import decoded_alpha

SIZE = (48, 64)


def write_clip(path: Path, images: list[np.ndarray], *, times: list[Fraction] | None = None, **options) -> Path:
    with VideoWriter(path, **{"frame_rate": Fraction(25), **options}) as writer:
        for index, image in enumerate(images):
            writer.write(image, None if times is None else times[index])
    return path


def with_alpha(images: list[np.ndarray]) -> list[np.ndarray]:
    """A ramp from clear to opaque, another one each frame; (H, W, 4)."""
    height, width = images[0].shape[:2]
    ramp = np.linspace(0, 255, width).round().astype(np.uint8)[None].repeat(height, axis=0)
    return [np.dstack([image, np.roll(ramp, 8 * index, axis=1)]) for index, image in enumerate(images)]


def worst_alpha(path: Path, wanted: list[np.ndarray]) -> int:
    """The largest difference of alpha, of 255, as another program decodes it."""
    found = list(decoded_alpha(path))
    assert len(found) == len(wanted)
    return max(
        int(np.abs(mine.astype(int) - image[..., 3].astype(int)).max())
        for mine, image in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "largest"), [("a.webm", 6), ("a.mov", 1), ("a.webp", 0), ("frames", 0), ("frame_%05d.png", 0)]
)
def test_alpha_is_written(tmp_path: Path, square_frames: Callable[..., list[np.ndarray]], name: str, largest: int):
    images = with_alpha(square_frames(5))
    folder = tmp_path / "out"
    folder.mkdir()
    path = write_clip(folder / name, images, crf=4)
    assert worst_alpha(folder if "%" in name else path, images) <= largest
    with open_video(folder if "%" in name else path, background=(0, 0, 255)) as reader:
        for frame, image in zip(reader, images, strict=True):
            alpha = image[..., 3:].astype(float) / 255
            shown = image[..., :3] * alpha + np.array([0, 0, 255]) * (1 - alpha)
            assert np.abs(frame.image - shown).mean() < 6


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_alpha_of_one_picture(tmp_path: Path, square_frames: Callable[..., list[np.ndarray]], name: str):
    images = with_alpha(square_frames(1))
    write_image(tmp_path / name, images[0])
    assert worst_alpha(tmp_path / name, images) == 0


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.m4v", "a.gif", "a.avi", "a.jpg"])
def test_what_holds_no_alpha_refuses_it(tmp_path: Path, square_frames: Callable[..., list[np.ndarray]], name: str):
    (image,) = with_alpha(square_frames(1))
    with pytest.raises(InputError, match=r"holds no alpha; give \.webm, \.mov, \.webp") as error:
        write_clip(tmp_path / name, [image])
    assert "\n" not in str(error.value) and os.listdir(tmp_path) == []


def test_alpha_comes_with_all_frames_or_none(tmp_path: Path, square_frames: Callable[..., list[np.ndarray]]):
    plain, clear = square_frames(1), with_alpha(square_frames(1))
    with pytest.raises(InputError, match="frame 1 has alpha, unlike the first"):
        write_clip(tmp_path / "a.webp", plain + clear)
    with pytest.raises(InputError, match="frame 1 lacks alpha"):
        write_clip(tmp_path / "a.webp", clear + plain)
    with pytest.raises(InputError, match="is not lossless with alpha"):
        write_clip(tmp_path / "a.mov", clear, lossless=True)
    with pytest.raises(InputError, match="holds no alpha"):
        write_image(tmp_path / "a.jpg", clear[0])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("name", "codec"), [("a.webm", "vp9"), ("a.avi", "mpeg4")])
@pytest.mark.parametrize("size", [SIZE, (47, 63)])
def test_webm_and_avi(tmp_path: Path, square_frames: Callable[..., list[np.ndarray]], name, codec, size):
    images = square_frames(12, *size)
    path = write_clip(tmp_path / name, images)
    with open_video(path) as reader:
        info, frames = reader.info, list(reader)
    assert (info.codec, info.height, info.width) == (codec, size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert info.frame_rate == 25 and len(frames) == 12
    for frame, image in zip(frames, images, strict=True):
        assert np.abs(frame.image[: size[0], : size[1]].astype(int) - image).mean() < 5
        assert abs(frame.time_seconds - Fraction(frame.index, 25)) <= Fraction(1, 2000)
    with av.open(str(path)) as container:
        assert container.duration / av.time_base == pytest.approx(12 / 25, abs=0.002)


def test_times_of_webm_and_avi(tmp_path: Path, square_frames: Callable[..., list[np.ndarray]]):
    times = [Fraction(0), Fraction(1, 25), Fraction(9, 100), Fraction(3, 10), Fraction(4)]
    images = square_frames(5)
    with open_video(write_clip(tmp_path / "a.webm", images, times=times)) as reader:
        assert [float(frame.time_seconds) for frame in reader] == pytest.approx([float(t) for t in times], abs=0.0006)
    with open_video(write_clip(tmp_path / "a.avi", images, times=times)) as reader:
        frames = list(reader)
    # The nearest frame of 25 a second; what is between is shown by repeating.
    seen = {round(frame.time_seconds * 25): frame.image for frame in frames}
    for slot, image in zip((0, 1, 2, 8, 100), images, strict=True):
        assert np.abs(seen[slot].astype(int) - image).mean() < 6


@pytest.mark.parametrize(
    ("source", "codec", "target", "becomes"),
    [
        ("a.mkv", "libopus", "out.webm", "opus"),
        ("a.mp4", "aac", "out.webm", "opus"),
        ("a.mp3", "libmp3lame", "out.avi", "mp3"),
        ("a.wav", "pcm_s16le", "out.avi", "pcm_s16le"),
        ("a.mp4", "aac", "out.avi", "mp3"),
    ],
)
def test_their_sound(tmp_path: Path, make_sound, source: str, codec: str, target: str, becomes: str):
    sound = make_sound(source, codec, seconds=1.0)
    path = write_clip(tmp_path / target, [np.full((32, 32, 3), 90, np.uint8)] * 25, audio_from=sound)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.codec.canonical_name == becomes
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48000)
        parts = [out.to_ndarray()[0] for frame in container.decode(stream) for out in resampler.resample(frame)]
    heard = np.concatenate(parts)
    assert abs(len(heard) / 48000 - 1) < 0.08
    spectrum = np.abs(np.fft.rfft(heard[12000:36000]))
    assert abs(np.argmax(spectrum) * 2 - 440) <= 4  # bins are 2 Hz apart


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
def test_one_picture(tmp_path: Path, square_frames: Callable[..., list[np.ndarray]], suffix: str):
    images = square_frames(2)
    path = write_clip(tmp_path / f"a{suffix}", images[:1])
    assert np.abs(read_image(path).astype(int) - images[0]).mean() <= (1.5 if suffix == ".jpg" else 0)
    with pytest.raises(InputError, match="is one picture and the result has more frames"):
        write_clip(tmp_path / f"b{suffix}", images)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["a.webm", "a.avi", "alpha.mov", "alpha.webm"])
@pytest.mark.parametrize(
    "rate", [Fraction(819252), Fraction(120000, 1001), Fraction(1, 10**5), Fraction(10**12, 10**9 + 1)]
)
def test_rates_that_a_format_does_not_hold(tmp_path: Path, square_frames, name: str, rate: Fraction):
    images = square_frames(3)
    times = [index * min(1 / rate, Fraction(1)) for index in range(3)]
    path = write_clip(tmp_path / name, with_alpha(images) if "alpha" in name else images, frame_rate=rate, times=times)
    with open_video(path, background=(90, 90, 90)) as reader:
        frames = list(reader)
    # Of those within one tick the first is kept.
    assert 1 <= len(frames) and abs(frames[-1].time_seconds - times[-1]) <= Fraction(1, 100) or len(frames) < 3
