"""Draws what was found in frames (landmarks, poses) and writes it as a picture or a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

from kinema.core.checks import InputError
from kinema.video.info import Image, VideoInfo
from kinema.video.writing.one_picture import PICTURE_SUFFIXES
from kinema.video.writing.write import VideoWriter, write_image

STILL_SUFFIXES = PICTURE_SUFFIXES
_MAX_SHOWN_SIDE = 8192

Found = TypeVar("Found")


@contextmanager
def drawing(
    path: Path | None, info: VideoInfo, draw: Callable[[Image, Found], Image], *, sound: bool = False
) -> Iterator[Callable[[Image, Found, Fraction | None], None]]:
    """A context that writes drawings to a file, which appears when the ``with`` block ends without error.

    The context gives a function, to be called for each frame with the image, what was found in it, and its time.

    Args:
        path: a picture, a video, or None to draw nothing.
        info: of the clip that the frames are from.
        draw: takes an image and what was found in it, returns the drawing.
        sound: keep the sound of the clip, if it has any.

    Raises:
        InputError: ``path`` is a picture and there is more than one frame, or the file cannot be written.
    """
    if path is None:
        yield lambda image, found, time: None
    elif path.suffix.lower() in STILL_SUFFIXES and "%" not in path.name:
        pictures: list[Image] = []

        def keep(image: Image, found: Found, time: Fraction | None) -> None:
            if pictures:
                raise InputError(f"{path}: is one picture and {info.path} has more frames; give .mp4, .gif or a folder")
            pictures.append(draw(image, found))

        yield keep
        write_image(path, pictures[0])
    else:
        audio = info.path if sound and info.has_audio else None
        with VideoWriter(path, frame_rate=info.frame_rate, audio_from=audio) as writer:
            yield lambda image, found, time: writer.write(draw(image, found), time)


def size_around(points: np.ndarray, source: Path, *, what: str) -> tuple[int, int]:
    """The smallest (height, width) of a frame that contains all points.

    Args:
        points: (N, 2) points (x, y) in pixels.
        source: the file they come from, for the error message.
        what: the kind of points, for the error message.

    Raises:
        InputError: the frame would be larger than a picture may be.
    """
    right, bottom = points.max(axis=0).tolist()
    height, width = max(1, int(bottom) + 2), max(1, int(right) + 2)
    if max(height, width) > _MAX_SHOWN_SIDE:
        raise InputError(
            f"{source}: {what} lie up to {max(height, width)} pixels away; expected at most {_MAX_SHOWN_SIDE}"
        )
    return height, width
