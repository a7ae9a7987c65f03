"""Animated images, transparency and folders of frames."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kinema.core.checks import InputError
from kinema.video import open_video, probe, read_image
from kinema.video.reading.alpha import composite
from kinema.video.reading.frame_folder import natural_key

DURATIONS_MS = [40, 50, 120, 30, 70]
TIMES = [Fraction(ms, 1000) for ms in (0, 40, 90, 210, 240)]
BACKGROUND = (10, 200, 30)


def discs(count: int, alpha: int) -> list[np.ndarray]:
    """RGBA pictures whose left half is transparent and whose right half has ``alpha``, both plain in colour."""
    pictures = []
    for index in range(count):
        image = np.zeros((20, 30, 4), np.uint8)
        image[:, 15:] = (200, 40 * index, 100, alpha)
        pictures.append(image)
    return pictures


def save_animation(path, pictures, **options):
    first, *rest = (Image.fromarray(picture) for picture in pictures)
    first.save(path, save_all=True, append_images=rest, duration=DURATIONS_MS, loop=0, **options)


@pytest.mark.parametrize(
    ("name", "options", "alpha"),
    [("a.gif", {"disposal": 2}, 255), ("a.webp", {"lossless": True}, 128), ("a.png", {}, 128), ("a.apng", {}, 128)],
)
def test_animations_keep_times_and_lie_over_the_background(tmp_path, name, options, alpha):
    pictures = discs(5, alpha)
    path = tmp_path / name
    if name.endswith("apng"):
        options = {"format": "PNG"}
    save_animation(path, pictures, **options)
    with open_video(path, background=BACKGROUND) as reader:
        assert (reader.info.height, reader.info.width) == (20, 30)
        frames = list(reader)
    assert [frame.time_seconds for frame in frames] == TIMES
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.abs(frame.image.astype(int) - composite(picture, BACKGROUND)).max() <= 1
    assert np.array_equal(frames[0].image[0, 0], BACKGROUND)


@pytest.mark.parametrize("name", ["a.avif", "renamed"])
def test_animated_avif_keeps_times_and_alpha(tmp_path, name):
    pictures = [np.kron(picture, np.ones((4, 4, 1), np.uint8)) for picture in discs(5, 128)]
    save_animation(tmp_path / "made.avif", pictures, quality=95)
    path = (tmp_path / "made.avif").rename(tmp_path / name)
    info = probe(path)
    assert (info.num_frames, info.frame_rate, info.codec) == (5, Fraction(5000, sum(DURATIONS_MS)), "avif")
    with open_video(path, background=BACKGROUND) as reader:
        frames = list(reader)
    assert [frame.time_seconds for frame in frames] == TIMES
    for frame, picture in zip(frames, pictures, strict=True):
        expected = composite(picture, BACKGROUND).astype(int)
        assert np.abs(frame.image - expected)[::8, [8, 100]].max() <= 6


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.apng", "a.avif", "pages.tif"])
def test_a_still_of_several_pictures_is_the_first_and_says_so(tmp_path, name):
    pictures = discs(5, 255)
    if name.endswith("apng"):
        save_animation(tmp_path / name, pictures, format="PNG")
    else:
        save_animation(tmp_path / name, pictures)
    with pytest.warns(UserWarning, match="holds 5 pictures; the first is used"):
        image = read_image(tmp_path / name, background=BACKGROUND)
    assert np.abs(image.astype(int) - composite(pictures[0], BACKGROUND))[::8, [4, 25]].max() <= 6


def test_pages_are_no_clip_and_previews_are_no_pages(tmp_path):
    first, *rest = (Image.fromarray(picture[..., :3]) for picture in discs(3, 255))
    first.save(tmp_path / "pages.tif", save_all=True, append_images=rest)
    with pytest.raises(InputError, match="a TIFF file of 3 pictures states no times and is no clip"):
        open_video(tmp_path / "pages.tif")
    for index, page in enumerate(rest):
        rest[index] = page.resize((15, 10))
        rest[index].encoderinfo = {"tiffinfo": {254: 1}}
    first.save(tmp_path / "previews.tif", save_all=True, append_images=rest)
    first.save(tmp_path / "telephone.jpg", format="MPO", save_all=True, append_images=rest)
    for name in ("previews.tif", "telephone.jpg"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert probe(tmp_path / name).num_frames == 1
            assert read_image(tmp_path / name).shape == (20, 30, 3)


def test_a_gif_is_a_clip_whatever_its_suffix(tmp_path):
    save_animation(tmp_path / "a.gif", discs(5, 255))
    assert probe((tmp_path / "a.gif").rename(tmp_path / "a.jpg")).num_frames == 5


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_animations_start_later(tmp_path, name):
    path = tmp_path / name
    save_animation(path, discs(5, 255))
    with open_video(path, start_seconds=Fraction(9, 100)) as reader:
        assert [frame.time_seconds for frame in reader] == TIMES[2:]
    with open_video(path, start_seconds=5) as reader, pytest.raises(InputError, match="start earlier"):
        next(reader)


def test_webp_states_what_its_chunks_state(tmp_path):
    path = tmp_path / "a.webp"
    save_animation(path, discs(5, 255))
    info = probe(path)
    assert (info.num_frames, info.frame_rate, info.codec) == (5, Fraction(5000, sum(DURATIONS_MS)), "webp")
    assert info.duration_seconds == pytest.approx(0.31)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"), [("a.mov", "qtrle", "argb"), ("b.mov", "prores_ks", "yuva444p10le")]
)
def test_video_with_alpha(make_clip, name, codec, pix_fmt):
    pictures = [np.kron(picture, np.ones((4, 4, 1), np.uint8)) for picture in discs(3, 128)]  # larger flat areas
    path = make_clip(name, pictures, codec=codec, pix_fmt=pix_fmt, image_format="rgba")
    with open_video(path, background=BACKGROUND) as reader:
        frames = list(reader)
    assert len(frames) == 3
    for frame, picture in zip(frames, pictures, strict=True):
        expected = composite(picture, BACKGROUND).astype(int)
        assert np.abs(frame.image - expected)[::8, [8, 100]].max() <= 6


def test_webm_with_alpha(make_clip):
    pictures = [np.kron(picture, np.ones((4, 4, 1), np.uint8)) for picture in discs(3, 255)]

    def mark(stream):
        stream.metadata["alpha_mode"] = "1"

    path = make_clip("a.webm", pictures, codec="libvpx-vp9", pix_fmt="yuva420p", image_format="rgba", prepare=mark)
    with open_video(path, background=BACKGROUND) as reader:
        frames = list(reader)
    assert len(frames) == 3
    assert np.abs(frames[0].image[40, 8].astype(int) - BACKGROUND).max() <= 4
    assert np.abs(frames[2].image[40, 100].astype(int) - (200, 80, 100)).max() <= 8


def test_folder_in_natural_order(tmp_path):
    for number in (10, 2, 1):
        Image.new("RGB", (6, 4), (number, 0, 0)).save(tmp_path / f"frame{number}.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / ".hidden.png").write_bytes(b"not a frame either")
    with open_video(tmp_path, folder_frame_rate=Fraction(30000, 1001)) as reader:
        assert (reader.info.num_frames, reader.info.frame_rate) == (3, Fraction(30000, 1001))
        frames = list(reader)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 10]
    assert [frame.time_seconds for frame in frames] == [Fraction(1001 * n, 30000) for n in range(3)]
    with open_video(tmp_path, start_seconds=0.05) as reader:
        assert [int(frame.image[0, 0, 0]) for frame in reader] == [10]
    assert read_image(tmp_path)[0, 0, 0] == 1


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_folder_formats_and_single_stills(tmp_path, suffix):
    Image.new("RGB", (6, 4), (120, 120, 120)).save(tmp_path / f"1.{suffix}")
    assert probe(tmp_path).frame_rate == 25
    with open_video(tmp_path / f"1.{suffix}") as reader:
        (frame,) = reader
    assert np.abs(frame.image.astype(int) - 120).max() <= 2
    assert reader.info.num_frames == 1


def test_folders_that_are_no_clip(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no frames"):
        open_video(empty)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    Image.new("RGB", (6, 4)).save(mixed / "1.png")
    Image.new("RGB", (4, 6)).save(mixed / "2.png")
    with pytest.raises(InputError, match=r"1\.png is 4x6 and 2\.png is 6x4"):
        open_video(mixed)


def moving_disc(count: int) -> list[np.ndarray]:
    """A bright disc that crosses a dark picture."""
    rows, columns = np.mgrid[:48, :64]
    discs = [np.hypot(rows - 24, columns - 8 - 2 * index) < 8 for index in range(count)]
    return [np.repeat(np.where(disc, 230, 40).astype(np.uint8)[..., None], 3, axis=2) for disc in discs]


def unrelated(count: int) -> list[np.ndarray]:
    """Plain grounds with a patch, each in colours of its own."""
    pictures = []
    rng = np.random.default_rng(0)
    for _ in range(count):
        image = np.full((48, 64, 3), rng.integers(0, 256, 3), np.uint8)
        image[12:36, 20:44] = rng.integers(0, 256, 3)
        pictures.append(image)
    return pictures


def save_folder(folder, names, pictures):
    folder.mkdir()
    for name, picture in zip(names, pictures, strict=True):
        Image.fromarray(picture).save(folder / name)
    return folder


def test_a_folder_of_stills_is_no_clip(tmp_path):
    numbers = [f"portrait_{number:03d}.png" for number in range(20)]
    stills = save_folder(tmp_path / "stills", numbers, unrelated(20))
    with pytest.raises(InputError, match=r"its 20 pictures are no clip, for neighbours differ by \d+ of 255") as info:
        open_video(stills)
    assert "\n" not in str(info.value)
    with pytest.raises(InputError, match="are no clip"):
        read_image(stills)
    with open_video(stills, stills=True) as reader:
        assert sum(1 for _ in reader) == 20


@pytest.mark.parametrize("count", [2, 7])
def test_a_few_stills_are_a_clip_with_a_warning(tmp_path, count):
    names = [f"portrait_{number}.png" for number in range(count)]
    stills = save_folder(tmp_path / "stills", names, unrelated(count))
    with pytest.warns(UserWarning, match=rf"stills: its {count} pictures are used as one clip, though") as caught:
        assert probe(stills).num_frames == count
    assert len(caught) == 1 and "\n" not in str(caught[0].message)
    clip = save_folder(tmp_path / "clip", names, moving_disc(count))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert probe(clip).num_frames == count
        with open_video(save_folder(tmp_path / "others", names, unrelated(count)), stills=True) as reader:
            assert sum(1 for _ in reader) == count


@pytest.mark.parametrize("step", [1, 4])
def test_a_folder_of_a_moving_thing_is_a_clip_and_so_is_a_cut_in_it(tmp_path, step):
    frames = moving_disc(24)[::step]
    frames += [255 - frame for frame in frames]
    folder = save_folder(tmp_path / "clip", [f"{number}.png" for number in range(len(frames))], frames)
    assert probe(folder).num_frames == len(frames)


def test_pictures_that_are_not_numbered_alike_are_no_clip(tmp_path):
    for folder, names in (("people", ("ann1.png", "bob2.png")), ("words", ("ann.png", "bob.png"))):
        path = save_folder(tmp_path / folder, names, moving_disc(2))
        with pytest.raises(InputError, match=rf"not numbered alike \({names[0]} and {names[1]}\)"):
            open_video(path)


def test_a_folder_is_looked_at_again_once_its_pictures_change(tmp_path):
    names = [f"{number}.png" for number in range(8)]
    folder = save_folder(tmp_path / "clip", names, moving_disc(8))
    assert probe(folder).width == 64
    for name, picture in zip(names, unrelated(8), strict=True):
        Image.fromarray(picture).save(folder / name)
    with pytest.raises(InputError, match="are no clip"):
        probe(folder)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_natural_order_is_the_order_of_the_numbers(numbers):
    names = sorted((f"clip7_{number}.png" for number in numbers), key=natural_key)
    assert names == [f"clip7_{number}.png" for number in sorted(numbers)]


@given(st.tuples(*[st.integers(0, 255)] * 4), st.tuples(*[st.integers(0, 255)] * 3))
def test_composite_is_the_rounded_mean(pixel, background):
    got = composite(np.array(pixel, np.uint8).reshape(1, 1, 4), background)[0, 0]
    alpha = pixel[3] / 255
    exact = [colour * alpha + under * (1 - alpha) for colour, under in zip(pixel[:3], background, strict=True)]
    assert np.abs(got - exact).max() <= 0.5 + 1e-9
