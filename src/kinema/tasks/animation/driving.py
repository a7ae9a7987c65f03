# pyright: strict
"""Opens what drives an animation: a clip whose keypoints are detected, or a motion template that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np

from kinema.core.checks import InputError
from kinema.core.types import Keypoints
from kinema.framing.pixels import to_frames
from kinema.framing.window import CropMode, Framing
from kinema.systems.abilities import AnimationPipeline
from kinema.tasks.animation.motion_template import read_template
from kinema.tasks.animation.template_file import SUFFIX
from kinema.video.excerpt import Excerpt
from kinema.video.frame_batches import BATCH_FRAMES, frame_groups


@dataclass(frozen=True)
class DrivingFrames:
    """Some frames of what drives.

    Attributes:
        times: of B frames, in seconds.
        keypoints: (B, K, 2) points with what else the detector gives.
        pictures: uint8 (B, H, W, 3), framed as the model sees them; None of a template.
    """

    times: list[Fraction]
    keypoints: Keypoints
    pictures: np.ndarray | None


class Driving(Protocol):
    """What drives an animation, as often as it is asked.

    Attributes:
        frame_rate: frames a second.
        num_frames: how many there will be, or None where unknown.
        sound: file whose sound goes with it, or None.
        is_still: whether it is a single picture, in which nothing moves.
    """

    is_still: bool
    frame_rate: Fraction
    num_frames: int | None
    sound: Path | None

    def batches(self) -> Iterator[DrivingFrames]:
        """The frames in order, a few at a time."""
        ...


class DrivingClip:
    """A video, animated picture or folder of frames; see :class:`Driving`."""

    def __init__(self, pipeline: AnimationPipeline, path: Path, crop: CropMode, excerpt: Excerpt) -> None:
        """Takes the part ``crop`` of the clip's pictures, decided on the first frame that is used.

        Raises:
            InputError: the clip cannot be read, or the crop does not fit.
        """
        self._pipeline, self._path, self._excerpt = pipeline, path, excerpt
        with excerpt.open(path) as reader:
            info = reader.info
            self._framing = frame_of(pipeline, path, next(reader).image, crop)
        self.frame_rate = info.frame_rate / excerpt.frame_stride
        self.num_frames = excerpt.count(info)
        self.is_still = info.num_frames == 1
        self.sound = path if info.has_audio else None

    def batches(self) -> Iterator[DrivingFrames]:
        """See :class:`Driving`; the clip is opened anew."""
        with self._excerpt.open(self._path) as reader:
            for group in frame_groups(self._excerpt.frames(reader)):
                pictures = np.stack([self._framing.apply(frame.image) for frame in group])
                keypoints = self._pipeline.detect(to_frames(pictures))
                yield DrivingFrames([frame.time_seconds for frame in group], keypoints, pictures)


class DrivingTemplate:
    """A motion template; see :class:`Driving`."""

    def __init__(self, pipeline: AnimationPipeline, path: Path, excerpt: Excerpt) -> None:
        """Reads the template.

        Raises:
            InputError: it is none, is of another model, or the excerpt has no frame.
        """
        self._template = read_template(path, pipeline)
        begin, end = excerpt.start_seconds, excerpt.end_seconds
        rows = [row for row, time in enumerate(self._template.times) if time >= begin and (end is None or time < end)][
            : excerpt.max_frames
        ]
        self._rows = rows[:: excerpt.frame_stride]
        if not self._rows:
            raise InputError(f"{path}: has no frame from {float(begin):g} s on; it ends at {self._end():g} s")
        self.frame_rate = self._template.frame_rate / excerpt.frame_stride
        self.num_frames: int | None = len(self._rows)
        self.sound: Path | None = None
        self.is_still = False

    def batches(self) -> Iterator[DrivingFrames]:
        """See :class:`Driving`."""
        for begin in range(0, len(self._rows), BATCH_FRAMES):
            rows = self._rows[begin : begin + BATCH_FRAMES]
            keypoints = self._template.keypoints[rows]
            yield DrivingFrames([self._template.times[row] for row in rows], keypoints, None)

    def _end(self) -> float:
        return float(self._template.times[-1])


def open_driving(pipeline: AnimationPipeline, path: Path, crop: CropMode, excerpt: Excerpt) -> Driving:
    """What a driving file holds: a template where it is a .json, else a clip.

    Args:
        pipeline: of the model that shall follow it.
        path: file or folder.
        crop: part of a clip's pictures that is used.
        excerpt: frames that are used.

    Raises:
        InputError: it cannot be read.
    """
    if path.suffix.lower() == SUFFIX and path.is_file():
        return DrivingTemplate(pipeline, path, excerpt)
    return DrivingClip(pipeline, path, crop, excerpt)


def frame_of(pipeline: AnimationPipeline, path: Path, image: np.ndarray, crop: CropMode) -> Framing:
    """The pipeline's framing of a uint8 (H, W, 3) picture; a refusal says of which file."""
    try:
        return pipeline.frame(image, crop)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
