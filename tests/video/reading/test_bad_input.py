"""What is broken, absent or no video: one clear line each, made from real broken files."""

from __future__ import annotations

import os
import struct
import warnings
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from kinema.core.checks import InputError
from kinema.video import MAX_SIDE, DamagedVideoWarning, VideoWriter, open_video, probe, read_image


def refusal(path, reader=probe) -> str:
    with pytest.raises(InputError) as info:
        reader(path)
    line = str(info.value)
    assert "\n" not in line and str(path) in line and ";" in line, line
    return line


@pytest.mark.parametrize("reader", [probe, read_image])
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.mp4", b"", "the file is empty"),
        ("empty.png", b"", "the file is empty"),
        ("text.mp4", b"This is no video.\n" * 40, "no picture or video|not a video"),
        ("text.txt", b"This is no video.\n" * 40, "not a video"),
        ("text.jpg", b"This is no picture.\n" * 40, "no picture or video"),
        ("live.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nwalk.mp4\n", "not a video"),
        ("list.mp4", b"ffconcat version 1.0\nfile walk.mp4\n", "not a video"),
        ("noise.mp4", bytes(range(256)) * 20, "not a video"),
    ],
)
def test_files_that_are_no_video(tmp_path, assets, reader, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    (tmp_path / "walk.mp4").write_bytes((assets / "walk.mp4").read_bytes())
    assert any(part in refusal(path, reader) for part in says.split("|"))


@pytest.mark.parametrize("reader", [probe, read_image])
def test_missing_and_odd_paths(tmp_path, reader):
    assert "no such file" in refusal(tmp_path / "missing.mp4", reader)
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "a device or a pipe" in refusal(tmp_path / "pipe.mp4", reader)


def test_names_that_look_like_protocols_and_patterns(tmp_path, assets):
    for name in ("concat:a.mp4", "http:x.mp4", "%05d.mp4", "ünï cödé.mp4"):
        (tmp_path / name).write_bytes((assets / "walk.mp4").read_bytes())
        assert probe(tmp_path / name).num_frames == 24


def fast_start(source, target):
    """The same packets with the index before them, as web videos have it."""
    options = {"movflags": "+faststart"}
    with av.open(str(source)) as read, av.open(str(target), "w", format="mp4", options=options) as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(read.streams.video[0]):
            if packet.size:
                packet.stream = stream
                written.mux(packet)


def test_index_cut_off(make_clip, square_frames):
    path = make_clip("phone.mp4", square_frames(30))  # the index is the last thing that a camera writes
    path.write_bytes(path.read_bytes()[:-600])
    assert "cut short" in refusal(path)


def test_cut_in_the_middle_gives_the_frames_up_to_there(tmp_path, make_clip, square_frames):
    whole = tmp_path / "whole.mp4"
    fast_start(make_clip("plain.mp4", square_frames(40), options={"bf": "0"}), whole)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.8)])
    with open_video(whole) as reader:
        expected = [frame.image for frame in reader]
    with open_video(cut) as reader, pytest.warns(DamagedVideoWarning, match="cut short"):
        got = [frame.image for frame in reader]
    assert 5 < len(got) < 40
    assert all(np.array_equal(one, other) for one, other in zip(got, expected, strict=False))


def test_cut_before_the_first_frame(tmp_path, make_clip, square_frames):
    path = tmp_path / "cut.mp4"
    fast_start(make_clip("plain.mp4", square_frames(40)), path)
    content = path.read_bytes()
    path.write_bytes(content[: content.find(b"mdat") + 20])
    assert "no frame in it can be decoded" in refusal(path)
    assert "no frame in it can be decoded" in refusal(path, read_image)


def test_damaged_packets_are_passed_over(tmp_path, make_clip, square_frames):
    path = make_clip("damaged.mkv", square_frames(20), codec="ffv1", pix_fmt="yuv420p")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = b"\xaa" * 40
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as caught, open_video(path) as reader:
        warnings.simplefilter("always")
        count = sum(1 for _ in reader)
    assert 10 <= count <= 20
    assert all(issubclass(one.category, DamagedVideoWarning) for one in caught)


def test_an_intact_clip_warns_of_nothing(assets):
    with warnings.catch_warnings(), open_video(assets / "walk.mp4") as reader:
        warnings.simplefilter("error")
        assert sum(1 for _ in reader) == 24


def test_stream_without_frames(tmp_path):
    for name, says in (("none.mov", "holds no video stream"), ("none.avi", "no frame in it can be decoded")):
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width = stream.height = 64
            container.start_encoding()
        assert says in refusal(path)


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.wav", "pcm_s16le")])
def test_sound_only(make_sound, name, codec):
    assert "holds sound only" in refusal(make_sound(name, codec))


def test_cover_art_is_no_video(tmp_path, make_sound):
    art = tmp_path / "art.jpg"
    Image.new("RGB", (32, 32), (200, 0, 0)).save(art)
    path = tmp_path / "cover.mp3"
    with av.open(str(make_sound("a.mp3", "libmp3lame"))) as read, av.open(str(path), "w") as written:
        sound = written.add_stream_from_template(read.streams.audio[0])
        picture = written.add_stream("mjpeg", rate=1)
        picture.width = picture.height = 32
        picture.pix_fmt = "yuvj420p"
        picture.disposition = av.stream.Disposition.attached_pic
        cover = av.VideoFrame.from_image(Image.open(art)).reformat(format="yuvj420p")
        packets = picture.encode(cover) + picture.encode(None)
        for packet in packets:
            written.mux(packet)
        for packet in read.demux(read.streams.audio[0]):
            if packet.size:
                packet.stream = sound
                written.mux(packet)
    assert "holds sound only" in refusal(path)


def test_too_wide(tmp_path, make_clip):
    wide = make_clip("wide.mkv", [np.zeros((16, 16384, 3), np.uint8)], codec="ffv1", pix_fmt="bgr0")
    assert f"sides up to {MAX_SIDE} pixels" in refusal(wide)
    assert "16x16384" in refusal(wide, read_image)
    still = tmp_path / "wide.png"
    Image.new("RGB", (16384, 16)).save(still)
    assert "16x16384" in refusal(still, read_image)
    assert "16x16384" in refusal(still)
    bomb = tmp_path / "bomb.png"
    Image.new("1", (20000, 20000)).save(bomb)
    assert "too large" in refusal(bomb, read_image)


def test_one_pixel_is_read(tmp_path, make_clip):
    pixel = np.full((1, 1, 3), (9, 99, 199), np.uint8)
    Image.fromarray(pixel).save(tmp_path / "one.png")
    assert np.array_equal(read_image(tmp_path / "one.png"), pixel)
    assert np.array_equal(read_image(make_clip("one.mkv", [pixel], codec="ffv1", pix_fmt="bgr0")), pixel)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_pictures_cut_short(tmp_path, suffix):
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "damaged or cut short" in refusal(path, read_image)
    folder = tmp_path / "frames"
    folder.mkdir()
    path.rename(folder / path.name)
    with pytest.raises(InputError, match="damaged or cut short"), open_video(folder) as reader:
        next(reader)


def test_animation_cut_short(tmp_path):
    path = tmp_path / "cut.webp"
    pictures = [Image.fromarray(np.random.default_rng(n).integers(0, 255, (64, 64, 3), np.uint8)) for n in range(5)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cut short" in refusal(path)


def test_a_damaged_avif_is_one_line(tmp_path):
    path = tmp_path / "a.avif"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"mdat") + 4 :] = b"\xaa" * (len(content) - content.index(b"mdat") - 4)
    path.write_bytes(content)
    assert "damaged or cut short" in refusal(path)
    assert "damaged or cut short" in refusal(path, read_image)


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.mkv", "libx264")])
def test_titles_of_another_encoding_do_no_harm(make_clip, square_frames, name, codec):
    path = make_clip(name, square_frames(6), codec=codec, metadata={"title": "Cafe@", "comment": "x"})
    content = path.read_bytes()
    assert content.count(b"Cafe@") == 1
    path.write_bytes(content.replace(b"Cafe@", b"Caf\xe9s"))
    with open_video(path) as reader:
        assert sum(1 for _ in reader) == 6


def test_a_jump_of_days_is_refused_in_one_line(make_clip, square_frames):
    day = 86_400_000
    for gap, says in ((365 * day, "365.0 days at 0.2 s"), (36_500 * day, "36500.0 days"), (day + 1, "1.0 days")):
        ticks = [0, 100, 200, 200 + gap, 300 + gap]
        path = make_clip("jump.mkv", square_frames(5), ticks=ticks, time_base=Fraction(1, 1000), options={"bf": "0"})
        assert says in refusal(path, lambda path: list(open_video(path)))
        assert probe(path).duration_seconds is None  # not a byte a frame, so that nobody makes room for it


@pytest.mark.parametrize(("scale", "rate"), [(31_536_000, 1), (2**32 - 1, 1), (1, 2**32 - 1), (1, 10**6), (0, 0)])
def test_absurd_rates_of_a_header_are_refused_or_harmless(tmp_path, make_clip, square_frames, scale, rate):
    path = make_clip("a.avi", square_frames(6), codec="mpeg4")
    content = bytearray(path.read_bytes())
    struct.pack_into("<II", content, content.index(b"strh") + 28, scale, rate)
    path.write_bytes(content)
    info = probe(path)
    assert 0 < info.frame_rate <= 10**6 and max(info.frame_rate.numerator, info.frame_rate.denominator) < 2**31
    if scale > rate * 86_400:
        assert "days at 0 s" in refusal(path, lambda path: list(open_video(path)))
        return
    with (
        open_video(path) as reader,
        VideoWriter(tmp_path / "out.mp4", frame_rate=info.frame_rate, preset="ultrafast") as writer,
    ):
        for frame in reader:
            writer.write(frame.image, frame.time_seconds)
    assert (tmp_path / "out.mp4").stat().st_size < 100_000


def test_arguments_out_of_range(assets):
    clip = assets / "walk.mp4"
    with pytest.raises(InputError, match="start at -1 s"):
        open_video(clip, start_seconds=-1)
    with pytest.raises(InputError, match="no colour"):
        open_video(clip, background=(0, 0, 256))
    with pytest.raises(InputError, match="no colour"):
        read_image(clip, background=(0, 0))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="frame rate of 0"):
        open_video(assets, folder_frame_rate=0)  # type: ignore[arg-type]
