"""Sound beside written frames: copied where it can be, encoded where not, cut where the pictures end."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from kinema.video import VideoWriter, probe

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
    ("source", "codec", "target"), [("a.mkv", "libopus", "out.mov"), ("a.wav", "pcm_mulaw", "out.mp4")]
)
def test_what_the_container_refuses_becomes_aac(tmp_path, make_sound, source, codec, target):
    path = write_with(tmp_path / target, make_sound(source, codec, seconds=1.0))
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
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
    for source in (assets / "asl_book.mp4", picture, tmp_path / "text.txt"):
        assert not probe(write_with(tmp_path / "out.mp4", source, frames=3)).has_audio


def test_sound_shorter_than_the_pictures(tmp_path, make_sound):
    path = write_with(tmp_path / "out.mp4", make_sound("a.mp3", "libmp3lame", seconds=0.5), frames=50)
    info = probe(path)
    assert info.has_audio and info.num_frames == 50
    assert info.duration_seconds == pytest.approx(2.0, abs=1e-3)
