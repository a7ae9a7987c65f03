"""A still file and a driving file -> an animated file, streamed: memory does not grow with the clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request
from kinema.core.types import Keypoints
from kinema.framing.pixels import to_frames, to_images
from kinema.framing.window import CropMode, Framing, driving_crop
from kinema.runtime.models import Models
from kinema.systems.abilities import AnimationPipeline
from kinema.tasks.background_lock import BackgroundLock
from kinema.video import Frame, VideoReader, VideoWriter, open_video, read_image, side_by_side
from kinema.video.frame_batches import frame_groups

Anchor = Literal["auto", "first"] | int


class AnimateRequest(Request):
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
        lock_background: keep the source's own pixels outside the moving object, by the parts that a model finds.
        parts_model: co_part model that finds them where ``model`` has no parts of its own.
        adapt_variance: monkey_net: carry the keypoints' change of shape over too.
        clip_mean: monkey_net: keep moved keypoints inside the frame.
        model: shipped model, model folder, or folder of a run.
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
    lock_background: bool = False
    parts_model: str = "co_part-emoji"
    adapt_variance: bool = False
    clip_mean: bool = False
    model: str = "first_order-emoji"


@dataclass(frozen=True)
class AnimateResult:
    """What was made.

    Attributes:
        path: of the file.
        frames: written.
        anchor: index of the driving frame that was used as anchor; None in absolute mode.
        size: (height, width) of the result, without the pictures beside it.
        frame_rate: of the result.
    """

    path: Path
    frames: int
    anchor: int | None
    size: tuple[int, int]
    frame_rate: Fraction


def animate(request: AnimateRequest, models: Models, progress: Progress = ignore) -> AnimateResult:
    """Animates a still.

    Args:
        request: what to do.
        models: where the models come from.
        progress: told of the frames searched for an anchor, and of those animated.

    Returns:
        What was made; the file appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, or the anchor is not in the clip.
    """
    pipeline = models.animation(request.model)
    options = {name: True for name in ("adapt_variance", "clip_mean") if getattr(request, name)}
    pipeline = pipeline.with_options(**options) if options else pipeline
    picture = read_image(request.source)
    still = _frame(pipeline, request.source, picture, request.crop).apply(picture)
    with open_video(request.driving) as reader:
        info = reader.info
        crop = request.crop_driving or driving_crop(request.crop)
        framing = _frame(pipeline, request.driving, next(reader).image, crop)
    if request.relative and info.num_frames == 1:
        raise InputError(
            f"{request.driving}: is one picture and shows no motion; give a video, an animation or a folder of "
            f"numbered frames, or take its pose (--absolute)"
        )
    sound = request.driving if request.sound and info.has_audio else None
    # Before the clip is searched, so that an output which cannot be written is refused at once.
    result = VideoWriter(request.output, frame_rate=info.frame_rate, audio_from=sound, num_frames=info.num_frames)
    index, anchor = _find_anchor(pipeline, request, still, framing, progress)
    animation = pipeline.prepare(
        to_frames(still), relative=request.relative, adapt_scale=request.adapt_scale, anchor=anchor
    )
    lock = None
    if request.lock_background:
        finder = models.parts(request.model if pipeline.has_parts else request.parts_model)
        lock = BackgroundLock(finder, still)
    done = 0
    with result as writer, open_video(request.driving) as reader:
        for frames, driving in _batches(reader, framing):
            made = to_images(animation.step(to_frames(driving)))
            made = made if lock is None else lock.apply(made)
            for frame, seen, image in zip(frames, driving, made, strict=True):
                shown = side_by_side([still, seen, image]) if request.side_by_side else image
                writer.write(shown, frame.time_seconds)
            done += len(frames)
            progress(Advanced("animating", done, info.num_frames))
    return AnimateResult(request.output, done, index, (still.shape[0], still.shape[1]), info.frame_rate)


def _frame(pipeline: AnimationPipeline, path: Path, image: np.ndarray, crop: CropMode) -> Framing:
    """The pipeline's framing; a refusal says of which file."""
    try:
        return pipeline.frame(image, crop)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _find_anchor(
    pipeline: AnimationPipeline, request: AnimateRequest, still: np.ndarray, framing: Framing, progress: Progress
) -> tuple[int | None, Keypoints | None]:
    """Index and keypoints of the anchor; both None where the mode needs none."""
    if not request.relative:
        return None, None
    with open_video(request.driving) as reader:
        if request.anchor == "auto":
            return pipeline.find_anchor(to_frames(still), _searched(reader, framing, progress))
        wanted = 0 if request.anchor == "first" else int(request.anchor)
        if wanted < 0:
            raise InputError(f"anchor {wanted} is no frame of {request.driving}; frames are counted from 0")
        seen = 0
        for frame in reader:
            if seen == wanted:
                return wanted, pipeline.detect(to_frames(framing.apply(frame.image)))
            seen += 1
    raise InputError(f"anchor {wanted} is no frame of {request.driving}; give 0 to {seen - 1}, auto or first")


def _searched(reader: VideoReader, framing: Framing, progress: Progress) -> Iterator[Tensor]:
    """Frames in small groups (B, 3, H, W), told to whoever waits for the search to end."""
    done = 0
    for frames, driving in _batches(reader, framing):
        yield to_frames(driving)
        done += len(frames)
        progress(Advanced("finding the anchor", done, reader.info.num_frames))


def _batches(reader: VideoReader, framing: Framing) -> Iterator[tuple[list[Frame], np.ndarray]]:
    """Frames in small groups, with their framed pictures as uint8 (T, H, W, 3)."""
    for group in frame_groups(reader):
        yield group, np.stack([framing.apply(frame.image) for frame in group])
