# pyright: strict
"""A photo and a camera -> the photo's head does what is seen, picture by picture, with little delay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from kinema.core.checks import InputError
from kinema.core.compiled_imaging import opencv
from kinema.core.latest import Latest
from kinema.core.progress import Progress, Told, ignore
from kinema.core.request import Request
from kinema.faces.mesh import FaceMesh
from kinema.runtime.models import Models
from kinema.systems.abilities import HeadPipeline, PreparedHead
from kinema.tasks.heads.face import SYNTHETIC
from kinema.video import VideoWriter, read_image
from kinema.video.camera import Shot, camera_shots, clip_shots
from kinema.video.info import Image

JPEG_QUALITY = 85
# Frames whose times are kept for the summary: two hours at 30 a second.
_KEPT = 216_000
_NOMINAL_RATE = Fraction(30)
_TICKS = 1000


class LiveRequest(Request):
    """Whose head is to follow what.

    Attributes:
        photo: picture file with a face.
        camera: number or name of a camera, where no clip is given.
        driving: clip that plays at its own rate in place of a camera.
        repeat: let the clip begin again at its end.
        output: video to write; None writes none.
        face: which of several in the photo, from left to right, 1 the first.
        lock_background: keep the ground behind the person where it is.
        model: a head model: shipped, or a model folder.
    """

    photo: Path
    camera: str = "0"
    driving: Path | None = None
    repeat: bool = False
    output: Path | None = None
    face: int | None = None
    lock_background: bool = True
    model: str = "head"


@dataclass(frozen=True)
class LiveFrame:
    """A picture, and how long it took; all in seconds.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        jpeg: the same encoded; None where nobody asked for it.
        arrived: moment of ``time.perf_counter`` when the driving frame came.
        has_face: whether a face was seen in it.
        track: to find the face's points.
        draw: to compute the motion and draw.
        encode: to encode.
        latency: from the arrival to the encoded picture, waiting included.
    """

    image: Image
    jpeg: bytes | None
    arrived: float
    has_face: bool
    track: float
    draw: float
    encode: float
    latency: float


@dataclass(frozen=True)
class LiveSummary:
    """What a live run was like.

    Attributes:
        frames: drawn.
        dropped: that came faster than they were drawn.
        lost: drawn frames without a face.
        seconds: from the first picture to the last.
        rate: frames a second.
        latency: median and 95th percentile in seconds.
    """

    frames: int
    dropped: int
    lost: int
    seconds: float
    rate: float
    latency: tuple[float, float]

    def line(self) -> str:
        """For people."""
        median, late = (1000 * value for value in self.latency)
        return (
            f"{self.frames} frames in {self.seconds:.1f} s, {self.rate:.1f} a second; latency {median:.0f} ms "
            f"(95 %: {late:.0f} ms); {self.dropped} dropped, {self.lost} without a face"
        )


@dataclass(frozen=True)
class _Tracked:
    shot: Shot
    mesh: FaceMesh | None
    seconds: float


class LiveHead:
    """Follows a source of pictures with one photographed head.

    A thread takes pictures, a second one finds the face in the newest while the caller's draws the one before: OpenCV
    and LiteRT let other threads run. What comes faster than it is used is dropped, never queued.

    Attributes:
        portrait: the head.
    """

    def __init__(self, pipeline: HeadPipeline[object], portrait: PreparedHead[object], *, jpeg: bool = False) -> None:
        """Takes the head.

        Args:
            pipeline: that prepared it.
            portrait: of the photo.
            jpeg: also encode every picture.
        """
        self.portrait = portrait
        self._tracker, self._jpeg = pipeline.tracker, jpeg
        self._driver = pipeline.driver(portrait)
        self._stopped, self._calibrate = threading.Event(), threading.Event()
        self._shots: Latest[Shot] = Latest()
        self._tracked: Latest[_Tracked] = Latest()
        self._times: list[tuple[float, float, float]] = []
        self._frames = self._lost = 0

    def calibrate(self) -> None:
        """Takes the face that is seen next for the photo's own; from any thread."""
        self._calibrate.set()

    def stop(self) -> None:
        """Ends :meth:`frames`; from any thread or signal handler."""
        self._stopped.set()

    def frames(self, shots: Iterator[Shot]) -> Iterator[LiveFrame]:
        """The pictures, until the source ends or :meth:`stop` is called.

        Args:
            shots: of a camera; read in a thread of its own.

        Raises:
            InputError: the source fails.
        """
        threads = [
            threading.Thread(target=work, args=arguments, name=name, daemon=True)
            for name, work, arguments in (
                ("kinema-camera", self._take, (shots,)),
                ("kinema-tracker", self._track, ()),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            while not self._stopped.is_set() and (tracked := self._tracked.take()) is not None:
                yield self._drawn(tracked)
        finally:
            self._stopped.set()
            self._shots.close()
            # A thread inside FFmpeg or LiteRT when the interpreter ends takes the process down with it.
            for thread in threads:
                thread.join(timeout=2)

    def summary(self) -> LiveSummary:
        """What the run was like so far."""
        dropped = self._shots.replaced + self._tracked.replaced
        if not self._times:
            return LiveSummary(0, dropped, 0, 0.0, 0.0, (0.0, 0.0))
        seconds = self._times[-1][0] - self._times[0][0]
        latencies = np.array([latency for _, latency, _ in self._times])
        rate = (len(self._times) - 1) / seconds if seconds > 0 else 0.0
        median, late = np.percentile(latencies, [50, 95]).tolist()
        return LiveSummary(self._frames, dropped, self._lost, seconds, rate, (median, late))

    def _take(self, shots: Iterator[Shot]) -> None:
        error: BaseException | None = None
        try:
            for shot in shots:
                if self._stopped.is_set():
                    break
                self._shots.put(shot)
        except BaseException as raised:  # noqa: BLE001 - the caller's thread raises it again
            error = raised
        self._shots.close(error)

    def _track(self) -> None:
        mesh: FaceMesh | None = None
        error: BaseException | None = None
        try:
            while not self._stopped.is_set() and (shot := self._shots.take()) is not None:
                began = time.perf_counter()
                mesh = self._tracker.track(shot.image, mesh)
                self._tracked.put(_Tracked(shot, mesh, time.perf_counter() - began))
        except BaseException as raised:  # noqa: BLE001 - the caller's thread raises it again
            error = raised
        self._tracked.close(error)

    def _drawn(self, tracked: _Tracked) -> LiveFrame:
        began = time.perf_counter()
        if self._calibrate.is_set() and tracked.mesh is not None:
            self._calibrate.clear()
            self._driver.calibrate()
        motion = self._driver.step(tracked.mesh, tracked.shot.arrived, tracked.shot.image)
        image = self.portrait.draw(motion)
        drawn = time.perf_counter()
        jpeg = encode_jpeg(image) if self._jpeg else None
        ended = time.perf_counter()
        has_face = tracked.mesh is not None
        frame = LiveFrame(
            image=image,
            jpeg=jpeg,
            arrived=tracked.shot.arrived,
            has_face=has_face,
            track=tracked.seconds,
            draw=drawn - began,
            encode=ended - drawn,
            latency=ended - tracked.shot.arrived,
        )
        self._frames += 1
        self._lost += not has_face
        self._times.append((ended, frame.latency, frame.draw))
        del self._times[:-_KEPT]
        return frame


def encode_jpeg(image: Image) -> bytes:
    """A picture uint8 (H, W, 3) RGB as JPEG."""
    cv2 = opencv()

    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def shots_of(request: LiveRequest) -> Iterator[Shot]:
    """The source that a request names.

    Raises:
        InputError: there is no such camera.
    """
    if request.driving is not None:
        return clip_shots(request.driving, repeat=request.repeat)
    return camera_shots(request.camera)


def prepare_live(request: LiveRequest, models: Models, *, jpeg: bool = False) -> tuple[LiveHead, tuple[str, ...]]:
    """The head of a request's photo, and what makes the photo hard to move, a sentence each.

    Raises:
        InputError: the photo cannot be read, or no one face is found.
        MissingExtraError: the extra ``head`` is not installed.
    """
    pipeline = models.heads(request.model)
    try:
        portrait = pipeline.prepare(
            read_image(request.photo), face=request.face, lock_background=request.lock_background
        )
    except InputError as error:
        raise InputError(f"{request.photo}: {error}") from error
    return LiveHead(pipeline, portrait, jpeg=jpeg), pipeline.remarks_on(portrait)


def run_live(
    live: LiveHead,
    request: LiveRequest,
    progress: Progress = ignore,
    show: Callable[[LiveFrame], None] | None = None,
) -> LiveSummary:
    """Follows the source to its end, or until the head is stopped.

    Args:
        live: of :func:`prepare_live`.
        request: what to follow, and the file to write.
        progress: told a line every second.
        show: takes every picture, such as a server.

    Returns:
        What the run was like; a file appears whole or not at all, and says in its metadata that it is synthetic.

    Raises:
        InputError: the source fails, or the file cannot be written.
    """
    with ExitStack() as stack:
        writer: VideoWriter | None = None
        if request.output is not None:
            given = VideoWriter(request.output, frame_rate=_NOMINAL_RATE, preset="ultrafast", comment=SYNTHETIC)
            writer = stack.enter_context(given)
        second: list[LiveFrame] = []
        first = told = 0.0
        tick = -1
        for frame in live.frames(shots_of(request)):
            if not first:
                first = told = frame.arrived
            if writer is not None:
                tick = max(round((frame.arrived - first) * _TICKS), tick + 1)
                writer.write(frame.image, Fraction(tick, _TICKS))
            if show is not None:
                show(frame)
            second.append(frame)
            if frame.arrived - told >= 1:
                progress(Told(_line(second, frame.arrived - told)))
                second, told = [], frame.arrived
    return live.summary()


def _line(frames: list[LiveFrame], seconds: float) -> str:
    """What a second was like."""
    median = {
        name: 1000 * float(np.median([getattr(frame, name) for frame in frames]))
        for name in ("latency", "track", "draw", "encode")
    }
    lost = sum(not frame.has_face for frame in frames)
    unseen = f"; no face in {lost}" if lost else ""
    return (
        f"{len(frames) / seconds:.1f} frames a second, latency {median['latency']:.0f} ms (tracking "
        f"{median['track']:.0f}, drawing {median['draw']:.0f}, encoding {median['encode']:.0f}){unseen}"
    )
