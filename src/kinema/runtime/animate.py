"""A still file and a driving file -> an animated file, streamed: memory does not grow with the clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import Keypoints
from kinema.runtime.background_lock import BackgroundLock
from kinema.runtime.frame_groups import frame_groups
from kinema.systems.framing import CropMode, Framing, driving_crop, to_frames, to_images
from kinema.video import Frame, VideoWriter, open_video, read_image, side_by_side

Anchor = Literal["auto", "first"] | int


@dataclass(frozen=True)
class AnimateRequest:
    """What to animate, by what, and how.

    Attributes:
        source: picture file, or a video whose first frame is taken.
        driving: video file, animated picture, or folder of frames.
        output: file to write; its suffix decides the kind.
        relative: add the driving movement to the source's pose, instead of taking the driving pose.
        adapt_scale: fit movements to the size of the source's object.
        anchor: driving frame posed like the source: "auto", "first" or an index.
        crop: part of the source that is animated, as in the pipeline's ``prepare``.
        crop_driving: part of the driving clip that is used, decided on its first frame; None: "none" if ``crop`` is
            "none", else "auto".
        side_by_side: write source, driving and result beside each other.
        sound: keep the driving sound.
        lock_background: pipeline of a co_part model by whose parts the source's background is kept; None draws it anew.
        on_search: frames looked at for the anchor "auto", frames in all or None where unknown.
        on_progress: frames done, frames in all or None where unknown.
    """

    source: Path
    driving: Path
    output: Path
    relative: bool = True
    adapt_scale: bool = False
    anchor: Anchor = "auto"
    crop: CropMode = "auto"
    crop_driving: CropMode | None = None
    side_by_side: bool = False
    sound: bool = True
    lock_background: Any = None
    on_search: Callable[[int, int | None], None] | None = None
    on_progress: Callable[[int, int | None], None] | None = None


@dataclass(frozen=True)
class AnimateReport:
    """What was made.

    Attributes:
        frames: written.
        anchor: index of the driving frame that was used as anchor; None in absolute mode.
        size: (height, width) of the result, without the pictures beside it.
        frame_rate: of the result.
    """

    frames: int
    anchor: int | None
    size: tuple[int, int]
    frame_rate: Fraction


def animate(pipeline: Any, request: AnimateRequest) -> AnimateReport:
    """Animates a still.

    Args:
        pipeline: from :func:`kinema.runtime.load.load`.
        request: what to do.

    Returns:
        What was made; the file appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, or the anchor is not in the clip.
    """
    picture = read_image(request.source)
    still = _frame(pipeline, request.source, picture, request.crop).apply(picture)
    with open_video(request.driving) as reader:
        info = reader.info
        crop = request.crop_driving or driving_crop(request.crop)
        framing = _frame(pipeline, request.driving, next(reader).image, crop)
    sound = request.driving if request.sound and info.has_audio else None
    # Before the clip is searched, so that an output which cannot be written is refused at once.
    result = VideoWriter(request.output, frame_rate=info.frame_rate, audio_from=sound, num_frames=info.num_frames)
    index, anchor = _find_anchor(pipeline, request, still, framing)
    animation = pipeline.prepare(
        to_frames(still), relative=request.relative, adapt_scale=request.adapt_scale, anchor=anchor
    )
    lock = None if request.lock_background is None else BackgroundLock(request.lock_background, still)
    done = 0
    with result as writer, open_video(request.driving) as reader:
        for frames, driving in _batches(reader, framing):
            made = to_images(animation.step(to_frames(driving)))
            made = made if lock is None else lock.apply(made)
            for frame, seen, image in zip(frames, driving, made, strict=True):
                shown = side_by_side([still, seen, image]) if request.side_by_side else image
                writer.write(shown, frame.time_seconds)
            done += len(frames)
            if request.on_progress is not None:
                request.on_progress(done, info.num_frames)
    return AnimateReport(done, index, (still.shape[0], still.shape[1]), info.frame_rate)


def _frame(pipeline: Any, path: Path, image: np.ndarray, crop: CropMode) -> Framing:
    """The pipeline's framing; a refusal says of which file."""
    try:
        return pipeline.frame(image, crop)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _find_anchor(
    pipeline: Any, request: AnimateRequest, still: np.ndarray, framing: Framing
) -> tuple[int | None, Keypoints | None]:
    """Index and keypoints of the anchor; both None where the mode needs none."""
    if not request.relative:
        return None, None
    with open_video(request.driving) as reader:
        if request.anchor == "auto":
            return pipeline.find_anchor(to_frames(still), _searched(reader, framing, request))
        wanted = 0 if request.anchor == "first" else int(request.anchor)
        if wanted < 0:
            raise InputError(f"anchor {wanted} is no frame of {request.driving}; frames are counted from 0")
        seen = 0
        for frame in reader:
            if seen == wanted:
                return wanted, pipeline.detect(to_frames(framing.apply(frame.image)))
            seen += 1
    raise InputError(f"anchor {wanted} is no frame of {request.driving}; give 0 to {seen - 1}, auto or first")


def _searched(reader: Any, framing: Framing, request: AnimateRequest) -> Iterator[Tensor]:
    """Frames in small groups (B, 3, H, W), told to whoever waits for the search to end."""
    done = 0
    for frames, driving in _batches(reader, framing):
        yield to_frames(driving)
        done += len(frames)
        if request.on_search is not None:
            request.on_search(done, reader.info.num_frames)


def _batches(reader: Any, framing: Framing) -> Iterator[tuple[list[Frame], np.ndarray]]:
    """Frames in small groups, with their framed pictures as uint8 (T, H, W, 3)."""
    for group in frame_groups(reader):
        yield group, np.stack([framing.apply(frame.image) for frame in group])
