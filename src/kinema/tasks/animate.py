# pyright: strict
"""Animates a still file with a driving file, streamed: memory does not grow with the clip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, Told, ignore
from kinema.core.request import Request
from kinema.core.types import Keypoints
from kinema.framing.pixels import to_frames, to_images
from kinema.framing.window import CropMode, driving_crop
from kinema.runtime.models import Models
from kinema.systems.abilities import AnimationPipeline
from kinema.tasks.animation.background_lock import BackgroundLock
from kinema.tasks.animation.driving import Driving, frame_of, open_driving
from kinema.tasks.animation.motion_template import SUFFIX, TemplateWriter
from kinema.video import VideoWriter, read_image, resize, side_by_side
from kinema.video.excerpt import Excerpt
from kinema.video.writing.write import check_alpha

# A preview takes every so many frames.
PREVIEW_STRIDE = 10
Anchor = Literal["auto", "first"] | int


class AnimateRequest(Request):
    """What to animate, by what, and how.

    Attributes:
        source: picture file, or a video whose first frame is taken.
        driving: video file, animated picture, folder of frames, or a motion template (.json).
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
        motion: how far the source moves: 1 as far as the driving clip, 0.5 half as far, 0 not at all.
        start: seconds; driving frames before it are left out, and so is their sound.
        end: seconds; driving frames from it on are left out. None: to the end.
        max_frames: at most so many driving frames.
        preview: every tenth driving frame at half the size, to see quickly what comes.
        save_motion: .json to write: the driving keypoints, which may drive other stills in place of the clip.
        alpha: write how much each pixel belongs to the object, by the parts that a model finds, as transparency.
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
    motion: float = Field(default=1.0, ge=0, le=4)
    start: Fraction = Field(default=Fraction(0), ge=0)
    end: Fraction | None = None
    max_frames: int | None = Field(default=None, ge=1)
    preview: bool = False
    save_motion: Path | None = None
    alpha: bool = False
    model: str = "first_order-emoji"

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.side_by_side and (self.alpha or self.driving.suffix.lower() == SUFFIX):
            raise ValueError("side_by_side shows driving pictures on opaque ground: leave alpha and templates to it")
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end {float(self.end):g} is not after start {float(self.start):g}")
        return self


@dataclass(frozen=True)
class AnimateResult:
    """What was written.

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
        What was written; the file appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, or the anchor is not in the clip.
    """
    if request.alpha:
        check_alpha(request.output)
    pipeline = _configured(models.animation(request.model), request)
    picture = read_image(request.source)
    still = frame_of(pipeline, request.source, picture, request.crop).apply(picture)
    _say_if_strange(pipeline, request, still, progress)
    driving = open_driving(
        pipeline, request.driving, request.crop_driving or driving_crop(request.crop), _excerpt(request)
    )
    if request.relative and driving.is_still:
        raise InputError(
            f"{request.driving}: is one picture and shows no motion; give a video, an animation or a folder of "
            f"numbered frames, or take its pose (--absolute)"
        )
    # Before the clip is searched, so that an output which cannot be written is refused at once.
    result = VideoWriter(
        request.output,
        frame_rate=driving.frame_rate,
        audio_from=driving.sound if request.sound else None,
        num_frames=driving.num_frames,
    )
    index, anchor = _find_anchor(pipeline, request, still, driving, progress)
    animation = pipeline.prepare(
        to_frames(still),
        relative=request.relative,
        adapt_scale=request.adapt_scale,
        anchor=anchor,
        motion=request.motion,
    )
    finish = _Finish(models, request, pipeline, still)
    done = 0
    with ExitStack() as stack:
        writer = stack.enter_context(result)
        template = None
        if request.save_motion is not None:
            template = stack.enter_context(
                TemplateWriter(request.save_motion, pipeline, request.driving, driving.frame_rate)
            )
        for batch in driving.batches():
            images = to_images(animation.animate_to(batch.keypoints))
            for image, time in zip(finish.apply(images, batch.pictures), batch.times, strict=True):
                writer.write(image, time)
            if template is not None:
                template.write(batch.keypoints, batch.times)
            done += len(batch.times)
            progress(Advanced("animating", done, driving.num_frames))
    size = (still.shape[0] // finish.shrink, still.shape[1] // finish.shrink)
    return AnimateResult(request.output, done, index, size, driving.frame_rate)


def _configured(pipeline: AnimationPipeline, request: AnimateRequest) -> AnimationPipeline:
    """The pipeline with the options of the transfer that the request switches on."""
    options = {name: True for name in ("adapt_variance", "clip_mean") if getattr(request, name)}
    return pipeline.with_options(**options) if options else pipeline


def _excerpt(request: AnimateRequest) -> Excerpt:
    """The driving frames that are used; a preview takes every tenth."""
    return Excerpt(request.start, request.end, request.max_frames, PREVIEW_STRIDE if request.preview else 1)


def _say_if_strange(
    pipeline: AnimationPipeline, request: AnimateRequest, still: np.ndarray, progress: Progress
) -> None:
    """Tells where the model was never taught pictures like the source: the result would be a guess."""
    known = pipeline.familiarity
    if known is None:
        return
    distance = float(known.distance(pipeline.describe(to_frames(still)))[0])
    if distance > known.limit:
        progress(
            Told(
                f"{request.source}: unlike the pictures that {request.model} learned from (distance {distance:.1f}, "
                f"99 % of its own are within {known.reach:.1f}): expect little or wrong motion; `kinema models` says "
                "what each model is for, `kinema learn` teaches another"
            )
        )


class _Finish:
    """What becomes of generated frames before they are written.

    Attributes:
        shrink: by how much sides are divided, 2 in a preview.
    """

    def __init__(self, models: Models, request: AnimateRequest, pipeline: AnimationPipeline, still: np.ndarray) -> None:
        self._request, self._still = request, still
        self.shrink = 2 if request.preview else 1
        self._lock: BackgroundLock | None = None
        if request.lock_background or request.alpha:
            finder = models.parts(request.model if pipeline.has_parts else request.parts_model)
            self._lock = BackgroundLock(finder, still)

    def apply(self, images: np.ndarray, driving: np.ndarray | None) -> list[np.ndarray]:
        """Frames uint8 (T, H, W, 3) as they are written, with alpha as a fourth channel where that is wanted."""
        matte = None
        if self._lock is not None and self._request.alpha:
            matte = self._lock.matte(images)
        if self._lock is not None and self._request.lock_background:
            images = self._lock.apply(images)
        shown = list(images)
        if self._request.side_by_side:
            assert driving is not None
            shown = [side_by_side([self._still, seen, image]) for seen, image in zip(driving, images, strict=True)]
        if self.shrink > 1:
            shown = [resize(image, _shrunk(image, self.shrink)) for image in shown]
        if matte is not None:
            small = [resize(alpha, image.shape[:2]) for alpha, image in zip(matte, shown, strict=True)]
            shown = [np.concatenate([image, alpha[..., :1]], axis=2) for image, alpha in zip(shown, small, strict=True)]
        return shown


def _shrunk(image: np.ndarray, by: int) -> tuple[int, int]:
    return max(1, image.shape[0] // by), max(1, image.shape[1] // by)


def _find_anchor(
    pipeline: AnimationPipeline, request: AnimateRequest, still: np.ndarray, driving: Driving, progress: Progress
) -> tuple[int | None, Keypoints | None]:
    """Index and keypoints of the anchor; both None where the mode needs none."""
    if not request.relative:
        return None, None
    if request.anchor == "auto":
        return pipeline.find_anchor(to_frames(still), _searched(driving, progress))
    wanted = 0 if request.anchor == "first" else int(request.anchor)
    if wanted < 0:
        raise InputError(f"anchor {wanted} is no frame of {request.driving}; frames are counted from 0")
    seen = 0
    for batch in driving.batches():
        if wanted < seen + len(batch.times):
            return wanted, batch.keypoints[wanted - seen]
        seen += len(batch.times)
    raise InputError(f"anchor {wanted} is no frame of {request.driving}; give 0 to {seen - 1}, auto or first")


def _searched(driving: Driving, progress: Progress) -> Iterator[Keypoints]:
    """Keypoints of a few frames at a time, told to whoever waits for the search to end."""
    done = 0
    for batch in driving.batches():
        yield batch.keypoints
        done += len(batch.times)
        progress(Advanced("finding the anchor", done, driving.num_frames))
