# pyright: strict
"""Animates the face of a photo, or those of a clip, as a driving face moves: streamed, at the photo's own size."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, Told
from kinema.faces.drive import Drive
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
from kinema.tasks.heads.face import SYNTHETIC
from kinema.video import VideoWriter, read_image, resize, side_by_side


def animate_face(request: AnimateRequest, pipeline: HeadPipeline[Any], progress: Progress) -> AnimateResult:
    """Animates the face of a photo; see :func:`kinema.tasks.animate.animate`."""
    _check(request)
    driving = _open(request, pipeline)
    if driving.is_still and request.relative and request.anchor != "auto":
        raise InputError(f"{request.driving}: is one picture, there is no frame {request.anchor} to count from")
    make = _ClipScene if request.onto_video else _PhotoScene
    scene = make(request, pipeline, driving, progress)
    result = VideoWriter(
        request.output,
        frame_rate=scene.frame_rate,
        audio_from=driving.sound if request.sound else None,
        num_frames=scene.num_frames,
        comment=SYNTHETIC,
    )
    done = faces = 0
    with ExitStack() as stack:
        writer = stack.enter_context(result)
        template = None
        if request.save_motion is not None:
            template = stack.enter_context(FaceTemplateWriter(request.save_motion, request.driving, scene.frame_rate))
        for frame in stack.enter_context(closing(scene.frames())):
            faces += frame.mesh is not None
            drawn = scene.draw(frame)
            writer.write(_finished(request, scene.shown, frame, drawn), frame.time)
            if template is not None:
                template.write(frame)
            done += 1
            progress(Advanced("animating", done, scene.num_frames))
        if faces == 0:
            raise InputError(
                f"{request.driving}: no face was found in any of its {done} frames; give a clip in which a face is "
                "upright, mostly frontal and not small, or animate with a model that needs no face"
            )
    _tell(scene.drivers, request, progress)
    height, width = scene.shown.shape[:2]
    shrink = 2 if request.preview else 1
    anchor = request.anchor if isinstance(request.anchor, int) else None
    return AnimateResult(request.output, done, anchor, (height // shrink, width // shrink), scene.frame_rate)


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
        frame_rate: of the result.
        num_frames: of the result, or None if unknown.
    """

    def __init__(
        self, request: AnimateRequest, pipeline: HeadPipeline[Any], driving: DrivingFace, progress: Progress
    ) -> None:
        self._driving, self._alpha = driving, request.alpha
        self.frame_rate, self.num_frames = driving.frame_rate, driving.num_frames
        self.shown = _cropped(request, read_image(request.source))
        lock = request.lock_background is not False
        with _naming(request.source):
            if request.face == "all":
                heads = pipeline.prepare_all(self.shown, lock_background=lock)
            else:
                heads = (pipeline.prepare(self.shown, face=request.face, lock_background=lock),)
        for head in heads:
            for remark in pipeline.remarks_on(head):
                progress(Told(f"{request.source}: {remark}"))
        self._faces = [_Moved(head, pipeline.driver(head, drive_of(request))) for head in heads]
        _count_from_anchor(request, driving, self.drivers)

    @property
    def drivers(self) -> list[HeadDriver[Any]]:
        return [face.driver for face in self._faces]

    def frames(self) -> Generator[FaceFrame]:
        """What drives each frame of the result."""
        yield from self._driving.frames()

    def draw(self, frame: FaceFrame) -> NDArray[np.uint8]:
        """The photo as it is at a driving frame, uint8 (H, W, 3), or (H, W, 4) with alpha."""
        motions = [_motion(face.driver, frame, still=self._driving.is_still) for face in self._faces]
        if self._alpha:
            (face,) = self._faces
            return face.head.draw_with_alpha(motions[0])
        images = [face.head.draw(motion) for face, motion in zip(self._faces, motions, strict=True)]
        if len(images) == 1:
            return images[0]
        # Every face moves its own surroundings; what none of them moves is the photo.
        changed = sum(image.astype(np.int16) - self.shown for image in images)
        return np.clip(self.shown + changed, 0, 255).astype(np.uint8)


class _ClipScene:
    """A clip that keeps its frames, times and motion; one face of it gets the driving face's expression.

    Attributes:
        shown: its present frame, uint8 (H, W, 3).
        drivers: the one of its face.
        frame_rate: of the clip.
        num_frames: of the clip, or None if unknown.
    """

    def __init__(
        self, request: AnimateRequest, pipeline: HeadPipeline[Any], driving: DrivingFace, progress: Progress
    ) -> None:
        self._pipeline, self._request, self._driving = pipeline, request, driving
        end = None if request.end is None else request.end - request.start
        self._excerpt = replace(excerpt_of(request), start_seconds=Fraction(0), end_seconds=end)
        with self._excerpt.open(request.source) as reader:
            info = reader.info
        if info.num_frames == 1:
            raise InputError(f"{request.source}: is one picture and --onto-video is for clips; leave the option out")
        self.frame_rate = info.frame_rate / self._excerpt.frame_stride
        self.num_frames = self._excerpt.count(info)
        self.shown = read_image(request.source)
        with _naming(request.source):
            number = request.face if isinstance(request.face, int) else None
            head = pipeline.prepare(self.shown, face=number, lock_background=self._lock)
        for remark in pipeline.remarks_on(head):
            progress(Told(f"{request.source}: {remark}"))
        self._centre = head.mesh.centre
        # The clip's own pose and place stay.
        drive = drive_of(request).model_copy(update={"pose": 0.0, "shift": 0.0})
        self._driver = pipeline.driver(head, drive)
        _count_from_anchor(request, driving, self.drivers)

    @property
    def drivers(self) -> list[HeadDriver[Any]]:
        return [self._driver]

    @property
    def _lock(self) -> bool:
        return self._request.lock_background is not False

    def frames(self) -> Generator[FaceFrame]:
        """What drives each frame of the clip; after the driving clip's end there is no face."""
        start = self._request.start
        with closing(_shown_at(self._driving)) as frame_at, self._excerpt.open(self._request.source) as reader:
            next(frame_at)
            for shown in self._excerpt.frames(reader):
                self.shown = shown.image
                time = shown.time_seconds + start
                yield replace(frame_at.send(time), time=time)

    def draw(self, frame: FaceFrame) -> NDArray[np.uint8]:
        """The clip's present frame, uint8 (H, W, 3), with the driving frame's expression."""
        faces = self._pipeline.tracker.find(self.shown)
        if not faces:
            return self.shown
        apart = [np.hypot(face.centre[0] - self._centre[0], face.centre[1] - self._centre[1]) for face in faces]
        head = self._pipeline.prepare(self.shown, face=int(np.argmin(apart)) + 1, lock_background=self._lock)
        self._centre = head.mesh.centre
        self._driver.move_to(head)
        return head.draw(_motion(self._driver, frame, still=self._driving.is_still))


def _shown_at(driving: DrivingFace) -> Generator[FaceFrame, Fraction]:
    """Takes times that rise and gives the driving frame that is shown then, without a face after the end."""
    frames = driving.frames()
    frame = next(frames)
    ahead: FaceFrame | None = frame if driving.is_still else next(frames, None)
    time = yield frame
    while True:
        while ahead is not None and ahead is not frame and ahead.time <= time:
            frame, ahead = ahead, next(frames, None)
        over = ahead is None and time >= frame.time + 1 / driving.frame_rate
        time = yield replace(frame, mesh=None) if over else frame


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


@contextmanager
def _naming(path: Path) -> Generator[None]:
    """Puts a file's name before what is said of it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _count_from_anchor(request: AnimateRequest, driving: DrivingFace, drivers: list[HeadDriver[Any]]) -> None:
    """Lets motion count from a given frame instead of the first one."""
    if not isinstance(request.anchor, int) or request.anchor == 0:
        return
    seen = 0
    for frame in driving.frames():
        if seen == request.anchor:
            if frame.mesh is None:
                raise InputError(f"{request.driving}: frame {seen} shows no face to count from; give another anchor")
            for driver in drivers:
                driver.begin_at(frame.mesh)
            return
        seen += 1
    raise InputError(f"anchor {request.anchor} is no frame of {request.driving}; give 0 to {seen - 1}, auto or first")


def _check(request: AnimateRequest) -> None:
    """Refuses what only models of keypoints can do, and what contradicts itself."""
    only = {"--adapt-scale": request.adapt_scale, "--adapt-variance": request.adapt_variance}
    only |= {"--clip-mean": request.clip_mean, "--crop-driving": request.crop_driving is not None}
    for option, given in only.items():
        if given:
            raise InputError(f"{option} is for models of keypoints; a face is followed at its own size, leave it out")
    if request.alpha and request.face == "all":
        raise InputError("--alpha shows one person; choose a face by --face N")
    if request.alpha and request.lock_background is False:
        raise InputError("--alpha parts the person from the ground, and --no-lock-background does not: leave one out")
    if not request.onto_video:
        return
    refused = {
        "--alpha": (request.alpha, "its ground is kept, so nothing is transparent"),
        "--face all": (request.face == "all", "one face of it takes the expression: give its number"),
        "--crop": (not isinstance(request.crop, str), "its frames keep their size"),
    }
    for option, (given, why) in refused.items():
        if given:
            raise InputError(f"{option} cannot go with --onto-video: the clip stays what it is, and {why}")


def _open(request: AnimateRequest, pipeline: HeadPipeline[Any]) -> DrivingFace:
    if is_face_template(request.driving):
        if request.driving_face is not None:
            raise InputError(f"{request.driving}: holds the motion of one face; leave --driving-face out")
        return FaceTemplate(request.driving, excerpt_of(request))
    if request.driving.suffix.lower() == ".json":
        raise InputError(
            f"{request.driving}: is no template of a face's motion; --save-motion with this model writes one"
        )
    return FaceClip(pipeline.tracker, request.driving, excerpt_of(request), face=request.driving_face)


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
    if driver.lost and request.onto_video:
        progress(
            Told(
                f"{request.driving}: shows no face, or has ended, at {driver.lost} frames of {request.source.name}, "
                "which keep their own expression"
            )
        )
    elif driver.lost:
        progress(Told(f"{request.driving}: {driver.lost} frames show no face; the portrait came to rest in them"))
    if driver.cuts:
        progress(Told(f"{request.driving}: {driver.cuts} cuts or jumps; motion was counted anew after each"))
    if driver.absolute and request.relative:
        progress(Told(f"{request.driving}: begins with a turned head, so the portrait takes the driver's own pose"))
