# pyright: strict
"""Animates a still file with a driving file, streamed: memory does not grow with the clip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, Told, ignore
from kinema.core.types import Keypoints
from kinema.framing.pixels import to_frames, to_images
from kinema.framing.window import driving_crop
from kinema.runtime.models import Models
from kinema.systems.abilities import AnimationPipeline, HeadPipeline
from kinema.tasks.animation.background_lock import BackgroundLock
from kinema.tasks.animation.choose_model import choose_model, refuse_face_options
from kinema.tasks.animation.driven_face import animate_face
from kinema.tasks.animation.driving import Driving, frame_of, open_driving
from kinema.tasks.animation.motion_template import TemplateWriter
from kinema.tasks.animation.request import AnimateRequest, AnimateResult, excerpt_of
from kinema.video import VideoWriter, read_image, resize, side_by_side
from kinema.video.writing.write import check_alpha


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
    request = request.replace(model=choose_model(request, models, progress))
    if isinstance(models.get("animate", request.model), HeadPipeline):
        return animate_face(request, models.heads(request.model), progress)
    refuse_face_options(request)
    pipeline = _configured(models.animation(request.model), request)
    picture = read_image(request.source)
    still = frame_of(pipeline, request.source, picture, request.crop).apply(picture)
    _say_if_strange(pipeline, request, still, progress)
    driving = open_driving(
        pipeline, request.driving, request.crop_driving or driving_crop(request.crop), excerpt_of(request)
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
