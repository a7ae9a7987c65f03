"""Sound beside written frames: copied where it can be, encoded where not, cut where the pictures end."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from kinema.core.checks import InputError
from kinema.video import VideoWriter, open_video, probe
from kinema.video.writing.sound import MissingSoundWarning

FRAME = np.full((32, 32, 3), 90, np.uint8)


def packets_of(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


def samples_of(path) -> tuple[np.ndarray, int]:
    """Mono float samples as heard, and the rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=stream.rate)
        parts = [
            out.to_ndarray()[0]
            for frame in container.decode(stream)
            if frame.pts * frame.time_base >= 0
            for out in resampler.resample(frame)
        ]
        return np.concatenate(parts), stream.rate


def write_with(path, sound, *, frames=25, start=Fraction(0), rate=Fraction(25)):
    with VideoWriter(path, frame_rate=rate, audio_from=sound, preset="ultrafast") as writer:
        for index in range(frames):
            writer.write(FRAME, start + index / rate)
    return path


@pytest.mark.parametrize(
    ("source", "codec", "target"),
    [
        ("a.mp4", "aac", "out.mp4"),
        ("a.mp4", "aac", "out.mov"),
        ("a.mp4", "aac", "out.mkv"),
        ("a.mp3", "libmp3lame", "out.mp4"),
        ("a.mkv", "libopus", "out.mp4"),
        ("a.mkv", "libopus", "out.mkv"),
        ("a.flac", "flac", "out.mkv"),
    ],
)
def test_packets_are_copied(tmp_path, make_sound, source, codec, target):
    sound = make_sound(source, codec, seconds=1.0, with_video=source.endswith((".mp4", ".mkv")))
    path = write_with(tmp_path / target, sound, frames=30)
    assert probe(path).has_audio
    assert packets_of(path) == packets_of(sound)


def test_plain_samples_are_copied(tmp_path, make_sound):
    sound = make_sound("a.wav", "pcm_s16le")
    path = write_with(tmp_path / "out.mov", sound, frames=30)
    assert b"".join(packets_of(path)) == b"".join(packets_of(sound))  # containers cut samples into packets as they like


@pytest.mark.parametrize(
    ("source", "codec", "target", "becomes"),
    [
        ("a.mkv", "libopus", "out.mov", "aac"),
        ("a.wav", "pcm_mulaw", "out.mp4", "aac"),
        # FFmpeg would copy these, and browsers, phones and QuickTime play such a file without sound.
        ("a.mov", "pcm_s16le", "out.mp4", "aac"),
        ("a.mov", "pcm_s16le", "out.m4v", "aac"),
        ("a.mp2", "mp2", "out.mp4", "aac"),
    ],
)
def test_what_players_do_not_take_is_encoded(tmp_path, make_sound, source, codec, target, becomes):
    path = write_with(tmp_path / target, make_sound(source, codec, seconds=1.0))
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == becomes
    heard, rate = samples_of(path)
    assert abs(len(heard) / rate - 1) < 0.06
    spectrum = np.abs(np.fft.rfft(heard[rate // 4 : rate // 4 + rate // 2]))
    assert abs(np.argmax(spectrum) * 2 - 440) <= 4  # bins are 2 Hz apart


def test_aac_of_a_transport_stream(tmp_path, make_sound):
    path = write_with(tmp_path / "out.mp4", make_sound("a.ts", "aac", with_video=True))
    heard, rate = samples_of(path)
    assert abs(len(heard) / rate - 1) < 0.06


@pytest.mark.parametrize(("codec", "source", "target"), [("aac", "a.mp4", "o.mp4"), ("libopus", "a.mkv", "o.mov")])
def test_sound_ends_with_the_pictures(tmp_path, make_sound, codec, source, target):
    path = write_with(tmp_path / target, make_sound(source, codec, seconds=4.0), frames=25)
    heard, rate = samples_of(path)
    assert 0.95 < len(heard) / rate < 1.06
    with av.open(str(path)) as container:
        assert container.duration / av.time_base < 1.06


@pytest.mark.parametrize(
    ("codec", "source", "target"),
    [("aac", "a.mp4", "out.mp4"), ("pcm_s16le", "a.wav", "out.mov"), ("libopus", "a.mkv", "out.mov")],
)
def test_sound_starts_with_the_first_written_frame(tmp_path, make_sound, codec, source, target):
    """The pitch of each second is its own; frames from second 2 on must bring the third pitch."""
    sound = make_sound(source, codec, seconds=3.0, pitches=(300, 600, 900))
    path = write_with(tmp_path / target, sound, frames=25, start=Fraction(2))
    heard, rate = samples_of(path)
    assert 0.9 < len(heard) / rate < 1.06
    spectrum = np.abs(np.fft.rfft(heard[rate // 8 : rate // 8 + rate // 2]))
    assert abs(np.argmax(spectrum) * 2 - 900) <= 6


def test_long_sound_is_interleaved(tmp_path, make_sound):
    path = write_with(tmp_path / "out.mp4", make_sound("a.mp3", "libmp3lame", seconds=8.0), frames=200)
    with av.open(str(path)) as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    longest = max(
        len(run) for run in "".join(kind[0] for kind in kinds).replace("av", "a v").replace("va", "v a").split()
    )
    assert longest < 60  # of more than 500 packets: neither stream waits for the other's end


@pytest.mark.parametrize("name", ["out.gif", "out.webp", "frames"])
def test_outputs_without_sound_take_none(tmp_path, make_sound, name):
    path = write_with(tmp_path / name, make_sound("a.mp3", "libmp3lame"), frames=3)
    assert not probe(path).has_audio


def test_sources_without_sound(tmp_path, assets, make_sound):
    picture = tmp_path / "frames"
    picture.mkdir()
    (tmp_path / "text.txt").write_text("no sound")
    for source in (assets / "walk.mp4", picture, tmp_path / "text.txt"):
        assert not probe(write_with(tmp_path / "out.mp4", source, frames=3)).has_audio


def test_sound_shorter_than_the_pictures(tmp_path, make_sound):
    path = write_with(tmp_path / "out.mp4", make_sound("a.mp3", "libmp3lame", seconds=0.5), frames=50)
    info = probe(path)
    assert info.has_audio and info.num_frames == 50
    assert info.duration_seconds == pytest.approx(2.0, abs=1e-3)


# Of a clip of 25 frames a second: white frames, and tones that begin with them.
MOMENTS = (Fraction(2), Fraction(16, 5))
SOUND_RATE = 48000


def flash_and_click(path: Path, *, tracks: int = 1, default: int | None = None) -> Path:
    """90 frames with a key frame every 40; where frames flash the last sound track clicks, the others are silent."""
    with av.open(str(path), "w") as container:
        options = {"g": "40", "keyint_min": "40", "sc_threshold": "0", "bf": "0"}
        video = container.add_stream("libx264", rate=25, options=options)
        video.height, video.width, video.pix_fmt = 64, 64, "yuv420p"
        sounds = [container.add_stream("aac", rate=SOUND_RATE, layout="mono") for _ in range(tracks)]
        for number, stream in enumerate(sounds if default is not None else ()):
            stream.disposition = Disposition.default if number == default else Disposition(0)
        for index in range(90):
            image = np.full((64, 64, 3), 255 if Fraction(index, 25) in MOMENTS else 40, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(video.encode(None))
        time = np.arange(90 * SOUND_RATE // 25) / SOUND_RATE
        heard = sum(((time >= float(moment)) & (time < float(moment) + 0.04)) for moment in MOMENTS)
        click = (heard * np.sin(time * 6283) * 20000).astype(np.int16)
        for stream in sounds:
            samples = click if stream is sounds[-1] else np.zeros_like(click)
            for start in range(0, len(samples), 1024):
                frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="s16", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def cut_between_key_frames(whole: Path, cut: Path, begin: Fraction) -> Path:
    """What a lossless cutter leaves: the packets from ``begin`` on, whatever they need to be decoded."""
    with av.open(str(whole)) as source, av.open(str(cut), "w") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size and packet.pts * packet.time_base >= begin:
                shift = round(begin / packet.time_base)
                packet.pts -= shift
                packet.dts -= shift
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return cut


def copy_pictures(source: Path, target: Path) -> Path:
    with open_video(source) as reader, VideoWriter(target, frame_rate=Fraction(25), audio_from=source) as writer:
        for frame in reader:
            writer.write(frame.image, frame.time_seconds)
    return target


def flashes(path: Path) -> list[float]:
    with open_video(path) as reader:
        return [float(frame.time_seconds) for frame in reader if frame.image.mean() > 150]


def clicks(path: Path) -> list[float]:
    """Seconds after the first frame."""
    with av.open(str(path)) as container:
        zero = next(float(frame.time) for frame in container.decode(video=0))
    found: list[float] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0].astype(np.float64)) > 0.15)
            if len(loud) and (not found or frame.time - zero - found[-1] > 0.2):
                found.append(float(frame.time) - zero + int(loud[0]) / frame.sample_rate)
    return found


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.mov"])
def test_sound_is_cut_where_the_first_picture_is(tmp_path, target):
    """A recording that begins between two key frames: its first second of packets gives no picture."""
    whole = flash_and_click(tmp_path / "whole.mp4")
    cut = cut_between_key_frames(whole, tmp_path / "cut.mkv", Fraction(3, 5))
    out = copy_pictures(cut, tmp_path / target)
    assert flashes(out) == pytest.approx([0.4, 1.6], abs=0.002)
    assert clicks(out) == pytest.approx([0.4, 1.6], abs=0.02)


def test_the_default_track_is_kept(tmp_path):
    two = flash_and_click(tmp_path / "two.mkv", tracks=2, default=1)
    with av.open(str(two)) as container:
        assert [bool(one.disposition & Disposition.default) for one in container.streams.audio] == [False, True]
    assert clicks(copy_pictures(two, tmp_path / "out.mp4")) == pytest.approx([2.0, 3.2], abs=0.02)


def with_unknown_coding(path: Path, made: Path, *, tracks: int) -> Path:
    """Gives the first ``tracks`` sound tracks of a .mov names that nobody knows, as Apple's spatial sound has."""
    data = bytearray(path.read_bytes())
    place = 0
    for _ in range(tracks):
        place = data.index(b"mp4a", data.index(b"stsd", data.index(b"smhd", place)))
        data[place : place + 4] = b"apac"
        place = data.index(b"esds", place)
        data[place : place + 4] = b"dapa"
    made.write_bytes(data)
    return made


def test_a_track_of_unknown_coding_is_passed_over(tmp_path):
    two = flash_and_click(tmp_path / "two.mov", tracks=2)
    first = with_unknown_coding(two, tmp_path / "first.mov", tracks=1)
    assert clicks(copy_pictures(first, tmp_path / "out.mp4")) == pytest.approx([2.0, 3.2], abs=0.02)


def test_sound_of_unknown_coding_alone_is_said(tmp_path):
    only = with_unknown_coding(flash_and_click(tmp_path / "one.mov"), tmp_path / "only.mov", tracks=1)
    with pytest.warns(MissingSoundWarning, match=r"only\.mov: its sound has a coding that FFmpeg does not know"):
        out = copy_pictures(only, tmp_path / "out.mp4")
    assert not probe(out).has_audio and len(flashes(out)) == 2


def test_sound_that_changes_its_form_is_encoded_through(tmp_path):
    """A broadcast's AC-3 goes from stereo to mono on the way; WebM takes Opus or Vorbis."""
    parts = []
    for name, layout in (("a.ac3", "stereo"), ("b.ac3", "mono")):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("ac3", rate=SOUND_RATE, layout=layout)
            for start in range(0, SOUND_RATE, 1536):
                tone = np.sin(np.arange(start, start + 1536) * 2 * np.pi * 440 / SOUND_RATE).astype(np.float32) / 4
                frame = av.AudioFrame.from_ndarray(
                    np.stack([tone] * (2 if layout == "stereo" else 1)), format="fltp", layout=layout
                )
                frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        parts.append((tmp_path / name).read_bytes())
    (tmp_path / "both.ac3").write_bytes(b"".join(parts))
    path = write_with(tmp_path / "out.webm", tmp_path / "both.ac3", frames=50)
    heard, rate = samples_of(path)
    assert abs(len(heard) / rate - 2) < 0.1
    for second in (0, 1):
        spectrum = np.abs(np.fft.rfft(heard[second * rate + rate // 4 : second * rate + 3 * rate // 4]))
        assert abs(np.argmax(spectrum) * 2 - 440) <= 4


def test_a_sound_file_that_has_gone_is_one_line(tmp_path, make_sound):
    sound = make_sound("a.mp3", "libmp3lame")
    with (
        pytest.raises(InputError, match=r"a\.mp3: no such file"),
        VideoWriter(tmp_path / "out.mp4", frame_rate=Fraction(25), audio_from=sound) as writer,
    ):
        sound.unlink()
        writer.write(FRAME)
