# pyright: strict
"""Animates the face of a photo, or those of a clip, as a driving face moves: streamed, at the photo's own size."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, Told
from kinema.faces.drive import Drive
from kinema.faces.mesh_tracker import MeshTracker
from kinema.systems.abilities import HeadDriver, HeadPipeline, PreparedHead
from kinema.tasks.animation.driving_face import (
    DrivingFace,
    FaceClip,
    FaceFrame,
    FaceTemplate,
    FaceTemplateWriter,
    is_face_template,
)
from kinema.tasks.animation.request import AnimateRequest, AnimateResult, excerpt_of
from kinema.tasks.face import SYNTHETIC
from kinema.video import VideoWriter, open_video, read_image, resize, side_by_side


def animate_face(request: AnimateRequest, pipeline: HeadPipeline[Any], progress: Progress) -> AnimateResult:
    """Animates the face of a photo; see :func:`kinema.tasks.animate.animate`."""
    _check(request)
    driving = _open(request, pipeline)
    if driving.is_still and request.relative and request.anchor != "auto":
        raise InputError(f"{request.driving}: is one picture, there is no frame {request.anchor} to count from")
    scene = _ClipScene(request, pipeline) if request.onto_video else _PhotoScene(request, pipeline, progress)
    result = VideoWriter(
        request.output,
        frame_rate=driving.frame_rate,
        audio_from=driving.sound if request.sound else None,
        num_frames=driving.num_frames,
        comment=SYNTHETIC,
    )
    done = faces = 0
    with ExitStack() as stack:
        writer = stack.enter_context(result)
        template = None
        if request.save_motion is not None:
            template = stack.enter_context(FaceTemplateWriter(request.save_motion, request.driving, driving.frame_rate))
        for frame in driving.frames():
            faces += frame.mesh is not None
            drawn = scene.draw(frame, still=driving.is_still)
            if drawn is None:
                break  # the clip under the face has ended
            writer.write(_finished(request, scene.shown, frame, drawn), frame.time)
            if template is not None:
                template.write(frame)
            done += 1
            progress(Advanced("animating", done, driving.num_frames))
        if faces == 0:
            raise InputError(
                f"{request.driving}: no face was found in any of its {done} frames; give a clip in which a face is "
                "upright, mostly frontal and not small, or animate with a model that needs no face"
            )
    _tell(scene.drivers, request, progress)
    height, width = scene.shown.shape[:2]
    shrink = 2 if request.preview else 1
    return AnimateResult(request.output, done, None, (height // shrink, width // shrink), driving.frame_rate)


@dataclass(frozen=True)
class _Moved:
    """One face of a picture with what moves it."""

    head: PreparedHead[Any]
    driver: HeadDriver[Any]


class _PhotoScene:
    """A photo, one or all of whose faces are moved.

    Attributes:
        shown: the photo, uint8 (H, W, 3).
        drivers: of its faces.
    """

    def __init__(self, request: AnimateRequest, pipeline: HeadPipeline[Any], progress: Progress) -> None:
        self.shown = _cropped(request, read_image(request.source))
        self._alpha = request.alpha
        lock = request.lock_background is not False
        try:
            if request.face == "all":
                heads = pipeline.prepare_all(self.shown, lock_background=lock)
            else:
                heads = (pipeline.prepare(self.shown, face=request.face, lock_background=lock),)
        except InputError as error:
            raise InputError(f"{request.source}: {error}") from error
        for head in heads:
            for remark in pipeline.remarks_on(head):
                progress(Told(f"{request.source}: {remark}"))
        self._faces = [_Moved(head, pipeline.driver(head, drive_of(request))) for head in heads]
        self._anchor(request, pipeline.tracker)

    @property
    def drivers(self) -> list[HeadDriver[Any]]:
        return [face.driver for face in self._faces]

    def draw(self, frame: FaceFrame, *, still: bool) -> NDArray[np.uint8] | None:
        """The photo as it is at a driving frame, uint8 (H, W, 3), or (H, W, 4) with alpha."""
        motions = [_motion(face.driver, frame, still=still) for face in self._faces]
        if self._alpha:
            (face,) = self._faces
            return face.head.draw_with_alpha(motions[0])
        images = [face.head.draw(motion) for face, motion in zip(self._faces, motions, strict=True)]
        if len(images) == 1:
            return images[0]
        # Every face moves its own surroundings; what none of them moves is the photo.
        changed = sum(image.astype(np.int16) - self.shown for image in images)
        return np.clip(self.shown + changed, 0, 255).astype(np.uint8)

    def _anchor(self, request: AnimateRequest, tracker: MeshTracker) -> None:
        """Lets motion count from a given frame instead of the first one."""
        if not isinstance(request.anchor, int) or request.anchor == 0:
            return
        seen = 0
        for frame in _clip(request, tracker).frames():
            if seen == request.anchor:
                if frame.mesh is None:
                    raise InputError(
                        f"{request.driving}: frame {seen} shows no face to count from; give another anchor"
                    )
                for driver in self.drivers:
                    driver.step(frame.mesh, -1.0)
                return
            seen += 1
        raise InputError(
            f"anchor {request.anchor} is no frame of {request.driving}; give 0 to {seen - 1}, auto or first"
        )


class _ClipScene:
    """A clip that keeps its own motion and gets the driving face's expression.

    Attributes:
        shown: its present frame, uint8 (H, W, 3).
        drivers: the one of its face.
    """

    def __init__(self, request: AnimateRequest, pipeline: HeadPipeline[Any]) -> None:
        self._pipeline, self._request = pipeline, request
        self._reader = open_video(request.source)
        self._frames = iter(self._reader)
        self._ahead = next(self._frames)
        self._frame = self._ahead
        self.shown = self._frame.image
        head = self._prepare()
        if head is None:
            raise InputError(f"{request.source}: its first frame shows no face")
        # The clip's own pose and place stay.
        drive = drive_of(request).model_copy(update={"pose": 0.0, "shift": 0.0})
        self._face = _Moved(head, pipeline.driver(head, drive))

    @property
    def drivers(self) -> list[HeadDriver[Any]]:
        return [self._face.driver]

    def draw(self, frame: FaceFrame, *, still: bool) -> NDArray[np.uint8] | None:
        """The clip's frame at the time of a driving frame; None after its end."""
        if not self._go_to(frame.time):
            self._reader.close()
            return None
        self.shown = self._frame.image
        head = self._prepare()
        if head is None:
            return self.shown
        self._face = _Moved(head, self._face.driver)
        self._face.driver.move_to(head)
        return head.draw(_motion(self._face.driver, frame, still=still))

    def _prepare(self) -> PreparedHead[Any] | None:
        number = self._request.face
        if not self._pipeline.tracker.find(self.shown):
            return None
        return self._pipeline.prepare(self.shown, face=number if isinstance(number, int) else None)

    def _go_to(self, time: Fraction) -> bool:
        """Takes the last frame that is shown at a time; False if the clip has ended before it."""
        while self._ahead.time_seconds <= time - self._request.start:
            self._frame = self._ahead
            following = next(self._frames, None)
            if following is None:
                return self._frame.time_seconds + 1 / self._reader.info.frame_rate > time - self._request.start
            self._ahead = following
        return True


def drive_of(request: AnimateRequest) -> Drive:
    """How a request wants the driving face followed."""
    return Drive(
        expression=request.expression * request.motion,
        pose=request.pose * request.motion,
        shift=request.shift * request.motion,
        count_from="auto" if request.relative else "absolute",
        smooth=request.smooth,
        borrow_mouth=request.mouth == "borrow",
    )


def _check(request: AnimateRequest) -> None:
    """Refuses what only models of keypoints can do."""
    only = {"--adapt-scale": request.adapt_scale, "--adapt-variance": request.adapt_variance}
    only |= {"--clip-mean": request.clip_mean}
    for option, given in only.items():
        if given:
            raise InputError(f"{option} is for models of keypoints; a face is followed at its own size, leave it out")
    if request.alpha and request.face == "all":
        raise InputError("--alpha shows one person; choose a face by --face N")
    if request.onto_video and request.alpha:
        raise InputError("--onto-video keeps the clip's ground, so there is nothing transparent; leave --alpha out")


def _open(request: AnimateRequest, pipeline: HeadPipeline[Any]) -> DrivingFace:
    if is_face_template(request.driving):
        return FaceTemplate(request.driving, excerpt_of(request))
    if request.driving.suffix.lower() == ".json":
        raise InputError(
            f"{request.driving}: is no template of a face's motion; --save-motion with this model writes one"
        )
    return _clip(request, pipeline.tracker)


def _clip(request: AnimateRequest, tracker: MeshTracker) -> FaceClip:
    return FaceClip(tracker, request.driving, excerpt_of(request), face=request.driving_face)


def _motion(driver: HeadDriver[Any], frame: FaceFrame, *, still: bool) -> Any:
    if still and frame.mesh is not None:
        return driver.take(frame.mesh)
    return driver.step(frame.mesh, float(frame.time), frame.image)


def _cropped(request: AnimateRequest, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if isinstance(request.crop, str):
        return photo
    x, y, width, height = request.crop
    if x < 0 or y < 0 or x + width > photo.shape[1] or y + height > photo.shape[0]:
        raise InputError(
            f"--crop {x},{y},{width},{height} reaches outside of {request.source}, "
            f"which has {photo.shape[1]}x{photo.shape[0]} pixels"
        )
    return np.ascontiguousarray(photo[y : y + height, x : x + width])


def _finished(
    request: AnimateRequest, still: NDArray[np.uint8], frame: FaceFrame, drawn: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A frame as it is written: beside its source and driver, or at half the size."""
    if request.side_by_side and frame.image is not None:
        height, width = frame.image.shape[:2]
        seen = resize(frame.image, (still.shape[0], max(1, round(width * still.shape[0] / height))))
        drawn = side_by_side([still, seen, drawn])
    if request.preview:
        return resize(drawn, (max(1, drawn.shape[0] // 2), max(1, drawn.shape[1] // 2)))
    return drawn


def _tell(drivers: list[HeadDriver[Any]], request: AnimateRequest, progress: Progress) -> None:
    """Says what a person would wonder about when they look at the result."""
    driver = drivers[0]
    if driver.lost:
        progress(Told(f"{request.driving}: {driver.lost} frames show no face; the portrait came to rest in them"))
    if driver.cuts:
        progress(Told(f"{request.driving}: {driver.cuts} cuts or jumps; motion was counted anew after each"))
    if driver.absolute and request.relative:
        progress(Told(f"{request.driving}: begins with a turned head, so the portrait takes the driver's own pose"))
