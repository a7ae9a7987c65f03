"""The one way into the library for pictures: a path in, a description, a stream of frames or one still out."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from kinema.core.checks import InputError
from kinema.video.info import (
    DEFAULT_FRAME_RATE,
    Clip,
    Color,
    Frame,
    Image,
    VideoInfo,
    check_background,
    check_exists,
)
from kinema.video.reading.animated_image import PillowClip, is_pillow_clip
from kinema.video.reading.container import ContainerClip
from kinema.video.reading.frame_folder import FolderClip
from kinema.video.reading.still import NotAPictureError, decode_still

WHITE: Color = (255, 255, 255)


class VideoReader:
    """Frames of one clip, once, in order; holds one decoded frame plus what the decoder needs to order them.

    Attributes:
        info: what the clip is.
    """

    def __init__(self, clip: Clip, start_seconds: Fraction) -> None:
        self.info: VideoInfo = clip.info
        self._clip = clip
        self._frames = _numbered(clip, start_seconds)

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        return next(self._frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the file; no frame follows."""
        self._frames.close()
        self._clip.close()


def open_video(
    path: str | Path,
    *,
    background: Color = WHITE,
    start_seconds: float | Fraction = 0.0,
    folder_frame_rate: Fraction = DEFAULT_FRAME_RATE,
) -> VideoReader:
    """Frames of a video file, an animated GIF, WebP or APNG, a still, or a folder of numbered pictures.

    Args:
        path: file or folder.
        background: (red, green, blue) in 0..255, shown through transparent pixels.
        start_seconds: the first frame given is the first one shown at or after this moment.
        folder_frame_rate: frames a second of a folder, which states none.

    Returns:
        An iterator and context manager of ``Frame`` with ``info``. Images are upright, with square pixels, all of
        one size: (info.height, info.width, 3) uint8 RGB.

    Raises:
        InputError: the path cannot be read as a clip; while iterating, ``start_seconds`` lies past the last frame.
    """
    path = Path(path)
    start = Fraction(start_seconds)
    check_exists(path)
    check_background(background)
    if start < 0:
        raise InputError(f"{path}: start at {start_seconds} s is refused; give 0 or more")
    if path.is_dir():
        clip: Clip = FolderClip(path, background, Fraction(folder_frame_rate))
    elif is_pillow_clip(path):
        clip = PillowClip(path, background)
    else:
        clip = ContainerClip(path, background)
    return VideoReader(clip, start)


def probe(path: str | Path) -> VideoInfo:
    """What a clip is: size, rate, length, sound, coding. Decodes its first frame, so that an answer means it reads.

    Raises:
        InputError: the path cannot be read as a clip.
    """
    with open_video(path) as reader:
        return reader.info


def read_image(path: str | Path, *, background: Color = WHITE) -> Image:
    """One picture, upright as its EXIF orientation says; of a video, an animation or a folder the first frame.

    Args:
        path: JPEG, PNG, WebP, BMP, TIFF ... or anything that ``open_video`` reads.
        background: (red, green, blue) in 0..255, shown through transparent pixels.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: the path cannot be read as a picture.
    """
    path = Path(path)
    check_exists(path)
    check_background(background)
    if path.is_file():
        try:
            return decode_still(path, background)
        except NotAPictureError:
            pass
    with open_video(path, background=background) as reader:
        return next(reader).image


def _numbered(clip: Clip, start_seconds: Fraction) -> Generator[Frame, None, None]:
    index = -1
    for index, (image, time) in enumerate(clip.frames(start_seconds)):
        yield Frame(image=image, time_seconds=time, index=index)
    if index < 0:
        raise InputError(
            f"{clip.info.path}: no frame at or after {float(start_seconds):g} s; start earlier"
            + (f", it lasts {clip.info.duration_seconds:g} s" if clip.info.duration_seconds else "")
        )
