"""Copies the sound of one file into another; encodes it again where players would not play its codec there."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.container
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition

from kinema.core.checks import InputError
from kinema.video.info import check_exists
from kinema.video.reading.container import ContainerClip
from kinema.video.reading.stream import open_input

# Decoders of AAC and Opus need up to this much sound before the part that is heard; players skip it.
_LEAD_IN = Fraction(1, 10)


class MissingSoundWarning(UserWarning):
    """A file's sound cannot be kept; the result has none."""


@dataclass(frozen=True)
class _Encoding:
    """How sound is encoded for a container in which its codec cannot be used."""

    codec: str
    rates: tuple[int, ...]
    bits_per_second_per_channel: int


_AAC = _Encoding(
    "aac", (7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000), 96_000
)
_OPUS = _Encoding("libopus", (8000, 12000, 16000, 24000, 48000), 64_000)
_MP3 = _Encoding("libmp3lame", (32000, 44100, 48000), 96_000)
_ENCODINGS = {"webm": _OPUS, "avi": _MP3}

# FFmpeg can mux more codecs into these than browsers, phones and QuickTime play: PCM and Vorbis in MP4 are silent
# there. Matroska is not listed, because its players play every codec.
_PLAYED = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"},
    "mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm"},
    "webm": {"opus", "vorbis"},
    "avi": {"mp3", "ac3", "pcm"},
}


class SoundTrack:
    """One sound stream of a file, read as far as needed.

    Time 0 is ``start`` seconds after the first frame that can be decoded, as in the reader. Earlier sound is left out,
    except for the tenth of a second that decoders need to settle; the written file marks it as not to be heard.

    Attributes:
        copied: whether packets are copied unchanged, known after ``attach``.
    """

    def __init__(self, container: av.container.InputContainer, source: AudioStream, zero_seconds: Fraction) -> None:
        self._input = container
        self._source = source
        self._zero = zero_seconds
        self._packets: Iterator[Packet] = iter(())
        self._waiting: Packet | None = None
        self._next_time = Fraction(0)
        self._output: av.container.OutputContainer
        self._stream: AudioStream
        self._resampler: AudioResampler | None = None
        self._decoded_as: tuple[str, str, int] | None = None
        self.copied = False

    def attach(self, output: av.container.OutputContainer, container_format: str) -> None:
        """Adds the stream to a container that has not been started.

        Args:
            output: where the sound goes.
            container_format: its FFmpeg name, such as "mp4".
        """
        self._output = output
        self.copied = _can_copy(self._source, container_format)
        if self.copied:
            self._stream = output.add_stream_from_template(self._source)
        else:
            encoding = _ENCODINGS.get(container_format, _AAC)
            source = self._source.codec_context
            rate = source.sample_rate if source.sample_rate in encoding.rates else 48_000
            layout = "mono" if source.channels == 1 else "stereo"
            stream = output.add_stream(encoding.codec, rate=rate, layout=layout)
            assert isinstance(stream, AudioStream), "an audio encoder's name was given"
            self._stream = stream
            self._stream.bit_rate = encoding.bits_per_second_per_channel * (1 if layout == "mono" else 2)
        self._packets = self._read()
        self._waiting = next(self._packets, None)

    def feed(self, until: Fraction) -> None:
        """Writes the sound up to ``until`` seconds of the output."""
        while self._waiting is not None and self._time(self._waiting) < until:
            packet, self._waiting = self._waiting, next(self._packets, None)
            if self.copied:
                self._copy(packet)
            else:
                self._encode(packet)

    def finish(self) -> None:
        """Writes the sound that the encoder still holds."""
        if not self.copied:
            self._resample(None)
            self._output.mux(self._stream.encode(None))

    def close(self) -> None:
        """Closes the file that the sound comes from."""
        self._input.close()

    def _read(self) -> Iterator[Packet]:
        """Packets that are heard, each with a time; a truncated file ends where it is cut."""
        packets = self._input.demux(self._source)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:
                return
            if packet is None or packet.size == 0:
                return
            if packet.pts is None:
                packet.pts = packet.dts if packet.dts is not None else round(self._next_time / self._tick)
            self._next_time = (packet.pts + (packet.duration or 0)) * self._tick
            if self._next_time - self._zero > -_LEAD_IN:
                yield packet

    @property
    def _tick(self) -> Fraction:
        time_base = self._source.time_base
        assert time_base is not None, "FFmpeg gives every stream a time base"
        return Fraction(time_base)

    def _time(self, packet: Packet) -> Fraction:
        assert packet.pts is not None, "_read gives every packet a time"
        return packet.pts * self._tick - self._zero

    def _copy(self, packet: Packet) -> None:
        assert packet.pts is not None, "_read gives every packet a time"
        shift = round(self._zero / self._tick)
        packet.dts = packet.pts = packet.pts - shift
        packet.stream = self._stream
        self._output.mux(packet)

    def _encode(self, packet: Packet) -> None:
        try:
            frames: list[AudioFrame] = self._source.codec_context.decode(packet)
        except FFmpegError:
            # A damaged packet becomes a short silence; the times of the others do not shift.
            return
        for frame in frames:
            if frame.pts is None or frame.time_base is None:
                continue
            frame.pts -= round(self._zero / frame.time_base)
            if frame.pts * frame.time_base + Fraction(frame.samples, frame.sample_rate) > 0:
                self._resample(frame)

    def _resample(self, frame: AudioFrame | None) -> None:
        """Encodes a frame in the format for which the encoder was opened; in broadcasts the format may change."""
        form = None if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._decoded_as and self._resampler is not None:
            for rest in self._resampler.resample(None):
                self._output.mux(self._stream.encode(rest))
            self._resampler = None
        self._decoded_as = form
        if frame is None:
            return
        if self._resampler is None:
            context = self._stream.codec_context
            self._resampler = AudioResampler(context.format, context.layout, context.sample_rate)
        for part in self._resampler.resample(frame):
            self._output.mux(self._stream.encode(part))


def open_sound(path: Path, start: Fraction) -> SoundTrack | None:
    """The sound of a file, from ``start`` seconds after its first frame on.

    Args:
        path: a video or sound file, an animated image, or a folder of frames.
        start: seconds.

    Returns:
        None if there is no sound: a folder, an image, a video without a sound stream. Also None, with a
        ``MissingSoundWarning``, if FFmpeg does not know the codec of the sound.

    Raises:
        InputError: the file no longer exists.
    """
    check_exists(path)
    if path.is_dir():
        return None
    try:
        container = open_input(path)
    except InputError:
        return None
    if not container.streams.audio:
        container.close()
        return None
    source = _chosen(container)
    if source is None:
        container.close()
        warnings.warn(
            f"{path}: its sound has a coding that FFmpeg does not know; the result has no sound", MissingSoundWarning, 3
        )
        return None
    return SoundTrack(container, source, _first_frame_time(path, container) + start)


def _chosen(container: av.container.InputContainer) -> AudioStream | None:
    """The stream that players choose: among those that can be decoded, the default one or else the first."""
    known = [
        stream
        for stream in container.streams.audio
        if stream.codec_context is not None and stream.codec_context.sample_rate and stream.codec_context.channels
    ]
    return next((one for one in known if one.disposition & Disposition.default), known[0] if known else None)


def _first_frame_time(path: Path, container: av.container.InputContainer) -> Fraction:
    """The time of the reader's first frame in the file.

    This is not the time of the first video packet: a recording that begins between two key frames shows nothing until
    the second one.
    """
    try:
        clip = ContainerClip(path, (255, 255, 255))
    except InputError:
        # The file has only sound, perhaps with a cover, or no frame can be decoded.
        return Fraction(container.start_time or 0, av.time_base)
    origin = clip.origin_seconds
    clip.close()
    return Fraction(0) if origin is None else origin


def _can_copy(source: AudioStream, container_format: str) -> bool:
    """Whether the container can hold this codec, and players play it there.

    The former is tried with a container in memory, since formats refuse a codec only when the header is written.
    """
    played = _PLAYED.get(container_format)
    name = source.codec_context.codec.canonical_name
    if played is not None and ("pcm" if name.startswith("pcm_") else name) not in played:
        return False
    trial = av.open(io.BytesIO(), "w", format=container_format)
    try:
        trial.add_stream_from_template(source)
        trial.start_encoding()
    except (ValueError, FFmpegError):
        return False
    finally:
        trial.close()
    return True
