"""Opens all pictures and videos that the library reads, as a description, a stream of frames or one still."""

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
    """Iterates once over the frames of a clip; holds one decoded frame and those that the decoder reorders.

    Attributes:
        info: the description of the clip.
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
        """Closes the file; no more frames can be read."""
        self._frames.close()
        self._clip.close()


def open_video(
    path: str | Path,
    *,
    background: Color = WHITE,
    start_seconds: float | Fraction = 0.0,
    folder_frame_rate: Fraction = DEFAULT_FRAME_RATE,
    stills: bool = False,
) -> VideoReader:
    """Opens a video file, an animated GIF, WebP, AVIF or APNG, a still, or a folder of numbered pictures.

    Args:
        path: file or folder.
        background: (red, green, blue) in 0..255, shown through transparent pixels.
        start_seconds: the first frame is the first one shown at or after this time.
        folder_frame_rate: frames per second of a folder, which states no rate.
        stills: whether a folder may hold pictures that are not frames of one clip. Otherwise their names must differ
            in numbers only, and neighbours must be more similar than distant pictures; all must have one size.

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
        clip: Clip = FolderClip(path, background, Fraction(folder_frame_rate), stills=stills)
    elif is_pillow_clip(path):
        clip = PillowClip(path, background)
    else:
        clip = ContainerClip(path, background)
    return VideoReader(clip, start)


def probe(path: str | Path) -> VideoInfo:
    """The description of a clip: size, rate, length, sound, codec. Decodes the first frame, to check that it can.

    Raises:
        InputError: the path cannot be read as a clip.
    """
    with open_video(path) as reader:
        return reader.info


def read_image(path: str | Path, *, background: Color = WHITE) -> Image:
    """Reads one picture, upright as its EXIF orientation says, in sRGB; from a video or a folder, the first frame.

    From an animation or a document of several pages, reads the first picture, with a warning.

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
