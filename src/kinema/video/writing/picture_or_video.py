"""Frames and what was found in them -> a drawn picture or video that appears whole or not at all."""

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
    """Gives what takes image, find and time of each frame; the file stands when the block ends well.

    Args:
        path: a picture, a video, or None to draw nothing.
        info: of the frames' source.
        draw: image and find to the drawn image.
        sound: keep the sound of the source, if it has any.

    Raises:
        InputError: more than one frame comes for a picture, or the file cannot be written.
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
    """The smallest (height, width) of a frame from the first pixel on that holds all points.

    Args:
        points: (N, 2) points (x, y) in pixels.
        source: where they come from, for an error.
        what: they are, for an error.

    Raises:
        InputError: they lie further away than a picture may reach.
    """
    right, bottom = points.max(axis=0).tolist()
    height, width = max(1, int(bottom) + 2), max(1, int(right) + 2)
    if max(height, width) > _MAX_SHOWN_SIDE:
        raise InputError(
            f"{source}: {what} lie up to {max(height, width)} pixels away; expected at most {_MAX_SHOWN_SIDE}"
        )
    return height, width
