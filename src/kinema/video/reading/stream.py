"""Opening a file with FFmpeg and choosing what to decode: a path in, the container, its stream and its decoder out."""

from __future__ import annotations

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

# Playlists fetch or wait for other files, "tty" draws text, "image2" takes a % in a name for a pattern.
_REFUSED_FORMATS = {"hls", "applehttp", "dash", "concat", "imf", "sdp", "rtsp", "rtp", "sap", "tty", "image2"}
_FORMATS = ",".join(sorted(av.formats_available - _REFUSED_FORMATS))
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def open_input(path: Path) -> av.container.InputContainer:
    """Opens a local file with FFmpeg; nothing that the file refers to elsewhere is followed.

    Raises:
        InputError: FFmpeg knows no such format.
    """
    try:
        # "file:" keeps names such as "a:b.mp4" from being taken for a protocol.
        return av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": _FORMATS})
    except FFmpegError as error:
        raise InputError(
            f"{path}: is not a video that can be read ({error.strerror}); it may be cut short or no video at all, "
            f"give a file that a video player plays"
        ) from error


def video_stream(container: av.container.InputContainer, path: Path) -> VideoStream:
    """The stream of moving pictures; cover art of a music file does not count.

    Raises:
        InputError: there is none.
    """
    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if streams:
        return next((one for one in streams if one.disposition & Disposition.default), streams[0])
    if container.streams.audio:
        raise InputError(f"{path}: holds sound only; give a file with a video stream")
    raise InputError(f"{path}: holds no video stream; give a video")


def alpha_decoder(stream: VideoStream) -> VideoCodecContext | None:
    """A decoder that gives the alpha of WebM, which FFmpeg's own VP8 and VP9 drop; None where it is not needed."""
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
