"""The sound of one file in another: packets copied where the container takes their coding, else encoded to AAC."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.container
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition

from kinema.core.checks import InputError
from kinema.video.reading.stream import open_input

# Decoders of AAC and Opus need up to this much sound before the first that is heard; players skip it.
_LEAD_IN = Fraction(1, 10)
_AAC_RATES = {7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
_AAC_BITS_PER_SECOND_PER_CHANNEL = 96_000


class SoundTrack:
    """The first sound stream of a file, read as far as it is asked for.

    Times count from the file's first video frame plus ``start``; what comes earlier is left out, except for the
    tenth of a second that decoders need to settle, which the written file marks as not to be heard.

    Attributes:
        copied: whether packets go over unchanged, known after ``attach``.
    """

    def __init__(self, container: av.container.InputContainer, start: Fraction) -> None:
        self._input = container
        self._source: AudioStream = container.streams.audio[0]
        self._zero = _first_video_time(container) + start
        self._packets: Iterator[Packet] = iter(())
        self._waiting: Packet | None = None
        self._next_time = Fraction(0)
        self._output: av.container.OutputContainer
        self._stream: AudioStream
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
            source = self._source.codec_context
            rate = source.sample_rate if source.sample_rate in _AAC_RATES else 48_000
            layout = "mono" if source.channels == 1 else "stereo"
            self._stream = output.add_stream("aac", rate=rate, layout=layout)
            self._stream.bit_rate = _AAC_BITS_PER_SECOND_PER_CHANNEL * (1 if layout == "mono" else 2)
        self._packets = self._read()
        self._waiting = next(self._packets, None)

    def feed(self, until: Fraction) -> None:
        """Writes the sound that starts before ``until`` seconds of the output."""
        while self._waiting is not None and self._time(self._waiting) < until:
            packet, self._waiting = self._waiting, next(self._packets, None)
            if self.copied:
                self._copy(packet)
            else:
                self._encode(packet)

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        if not self.copied:
            self._output.mux(self._stream.encode(None))

    def close(self) -> None:
        """Closes the file that the sound comes from."""
        self._input.close()

    def _read(self) -> Iterator[Packet]:
        """Packets that are heard, each with a time; a file that breaks off ends there."""
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
            # A damaged packet is a short silence; the times of the following ones keep the rest in place.
            return
        for frame in frames:
            if frame.pts is None or frame.time_base is None:
                continue
            frame.pts -= round(self._zero / frame.time_base)
            if frame.pts * frame.time_base + Fraction(frame.samples, frame.sample_rate) > 0:
                self._output.mux(self._stream.encode(frame))


def open_sound(path: Path, start: Fraction) -> SoundTrack | None:
    """The sound of a file, from ``start`` seconds after its first video frame on.

    Args:
        path: an existing video or sound file, an animated image, or a folder of frames.
        start: seconds.

    Returns:
        None where there is no sound: a folder, an image, a video without a sound stream.
    """
    if path.is_dir():
        return None
    try:
        container = open_input(path)
    except InputError:
        return None
    if not container.streams.audio:
        container.close()
        return None
    return SoundTrack(container, start)


def _first_video_time(container: av.container.InputContainer) -> Fraction:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.start_time is not None and stream.time_base:
            return Fraction(stream.start_time * stream.time_base)
    return Fraction(container.start_time or 0, av.time_base)


def _can_copy(source: AudioStream, container_format: str) -> bool:
    """Whether a container takes the coding, tried on one in memory: formats refuse only when their header is made."""
    trial = av.open(io.BytesIO(), "w", format=container_format)
    try:
        trial.add_stream_from_template(source)
        trial.start_encoding()
    except (ValueError, FFmpegError):
        return False
    finally:
        trial.close()
    return True
