"""Opens files with FFmpeg and chooses the stream to decode and its decoder."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import av.container
from av.error import FFmpegError
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.stream import VideoStream

from kinema.core.checks import InputError

# Playlists read or wait for other files, "tty" draws text, "image2" interprets a % in a name as a pattern.
_REFUSED_FORMATS = {"hls", "applehttp", "dash", "concat", "imf", "sdp", "rtsp", "rtp", "sap", "tty", "image2"}
_FORMATS = ",".join(sorted(av.formats_available - _REFUSED_FORMATS))
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def open_input(path: Path) -> av.container.InputContainer:
    """Opens a local file with FFmpeg, without following references to other files.

    Raises:
        InputError: FFmpeg does not know the format.
    """
    try:
        # With "file:", names such as "a:b.mp4" are not mistaken for a protocol.
        return av.open(
            f"file:{path}",
            options={"protocol_whitelist": "file", "format_whitelist": _FORMATS},
            # Titles in Latin-1 are common in AVI; that a title cannot be decoded says nothing about the pictures.
            metadata_errors="replace",
        )
    except FFmpegError as error:
        raise InputError(
            f"{path}: is not a video that can be read ({error.strerror}); it may be cut short or no video at all, "
            f"give a file that a video player plays"
        ) from error


def video_stream(container: av.container.InputContainer, path: Path) -> VideoStream:
    """The video stream of a container; cover art of a music file does not count.

    Raises:
        InputError: there is no video stream.
    """
    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if streams:
        return next((one for one in streams if one.disposition & Disposition.default), streams[0])
    if container.streams.audio:
        raise InputError(f"{path}: holds sound only; give a file with a video stream")
    raise InputError(f"{path}: holds no video stream; give a video")


def alpha_decoder(stream: VideoStream) -> VideoCodecContext | None:
    """A decoder that keeps the alpha of WebM, unlike FFmpeg's own for VP8 and VP9; None if it is not needed."""
    marks = {key.lower(): value for key, value in stream.metadata.items()}
    name = _ALPHA_DECODERS.get(stream.codec_context.name)
    if marks.get("alpha_mode") != "1" or name is None:
        return None
    decoder = VideoCodecContext.create(name, "r")
    decoder.extradata = stream.codec_context.extradata
    assert isinstance(decoder, VideoCodecContext), "a video decoder's name was given"
    return decoder


@lru_cache
def has_alpha(pixel_format: str) -> bool:
    """Whether pixels of this FFmpeg format carry transparency."""
    known = VideoFormat(pixel_format)
    return known.has_palette or any(component.is_alpha for component in known.components)


def packet_durations(path: Path, count: int) -> list[Fraction]:
    """Seconds that each frame of an animated AVIF is shown, from the table of its first track of ``count`` frames.

    Returns:
        ``count`` durations, or fewer if the table is damaged.
    """
    with open_input(path) as container:
        stream = next((one for one in container.streams.video if one.frames == count), None)
        if stream is None or not stream.time_base:
            return []
        tick = Fraction(stream.time_base)
        return [packet.duration * tick for packet in container.demux(stream) if packet.size and packet.duration]
