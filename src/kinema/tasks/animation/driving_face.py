# pyright: strict
"""Opens what drives a face: a clip in which a face is followed, or a template that holds its points over time."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from kinema.core.checks import InputError
from kinema.core.config import Config, first_complaint
from kinema.faces.mesh import NUM_POINTS, SCORE_NAMES, FaceMesh
from kinema.faces.mesh_tracker import MeshTracker
from kinema.tasks.animation.template_file import SUFFIX, TemplateFile
from kinema.video.excerpt import Excerpt

KIND = "face motion"
# A frame takes 8 kB: twenty minutes at 25 frames a second.
MAX_BYTES = 256 * 2**20
_POINT_BYTES = NUM_POINTS * 3 * 4

Time = Annotated[str, Field(pattern=r"^\d{1,12}(/\d{1,12})?$", description="seconds, such as 1001/30000")]


@dataclass(frozen=True)
class FaceFrame:
    """One frame of what drives a face.

    Attributes:
        time: in seconds.
        mesh: the face; None if there is none in this frame.
        image: uint8 (H, W, 3); None of a template, which holds no pixels.
    """

    time: Fraction
    mesh: FaceMesh | None
    image: NDArray[np.uint8] | None


class DrivingFace(Protocol):
    """What drives a face.

    Attributes:
        frame_rate: frames a second.
        num_frames: how many there will be, or None if unknown.
        sound: file whose sound goes with it, or None.
        is_still: whether it is a single picture, in which nothing moves.
    """

    frame_rate: Fraction
    num_frames: int | None
    sound: Path | None
    is_still: bool

    def frames(self) -> Iterator[FaceFrame]:
        """The frames in order, one at a time."""
        ...


class FaceClip:
    """A video, animated picture, folder of frames or picture; see :class:`DrivingFace`."""

    def __init__(self, tracker: MeshTracker, path: Path, excerpt: Excerpt, *, face: int | None = None) -> None:
        """Takes the clip.

        Args:
            tracker: that follows the face.
            path: file or folder.
            excerpt: frames that are used.
            face: which of several faces of the first frame, counted from 1 and from left to right; None the largest.

        Raises:
            InputError: the clip cannot be read.
        """
        self._tracker, self._path, self._excerpt, self._face = tracker, path, excerpt, face
        with excerpt.open(path) as reader:
            info = reader.info
        self.frame_rate = info.frame_rate / excerpt.frame_stride
        self.num_frames = excerpt.count(info)
        self.is_still = info.num_frames == 1
        self.sound = path if info.has_audio else None

    def frames(self) -> Iterator[FaceFrame]:
        """See :class:`DrivingFace`; the clip is opened anew.

        Raises:
            InputError: the first frame has no face of the given number.
        """
        mesh: FaceMesh | None = None
        with self._excerpt.open(self._path) as reader:
            for number, frame in enumerate(self._excerpt.frames(reader)):
                if number == 0 and self._face is not None:
                    mesh = self._chosen(frame.image, self._face)
                else:
                    mesh = self._tracker.track(frame.image, mesh)
                yield FaceFrame(frame.time_seconds, mesh, frame.image)

    def _chosen(self, image: NDArray[np.uint8], number: int) -> FaceMesh:
        found = self._tracker.find(image)
        if not 1 <= number <= len(found):
            raise InputError(
                f"{self._path}: driving face {number} is not there, the first frame shows {len(found)}; "
                "count from 1 and from left to right"
            )
        return found[number - 1]


class _Head(Config):
    """What a template is of."""

    kinema: Literal["face motion"]
    version: Literal[1]
    frame_rate: Time
    source: str = Field(description="name of the driving clip")


class _Row(Config):
    """One frame of a template."""

    time: Time
    points: str | None = Field(default=None, description="478 points x, y, z as float32 in base64; None: no face")
    scores: tuple[Annotated[float, Field(ge=0, le=1)], ...] | None = Field(
        default=None, min_length=len(SCORE_NAMES), max_length=len(SCORE_NAMES)
    )


class FaceTemplate:
    """A face's points over time; see :class:`DrivingFace`."""

    def __init__(self, path: Path, excerpt: Excerpt) -> None:
        """Reads the template.

        Raises:
            InputError: it is none, it is damaged, or the excerpt has no frame.
        """
        head, rows = _read(path)
        begin, end = excerpt.start_seconds, excerpt.end_seconds
        inside = [frame for frame in rows if frame.time >= begin and (end is None or frame.time < end)]
        self._rows = inside[: excerpt.max_frames][:: excerpt.frame_stride]
        if not self._rows:
            raise InputError(f"{path}: has no frame from {float(begin):g} s on; it ends at {float(rows[-1].time):g} s")
        self.frame_rate = Fraction(head.frame_rate) / excerpt.frame_stride
        self.num_frames: int | None = len(self._rows)
        self.sound: Path | None = None
        self.is_still = False

    def frames(self) -> Iterator[FaceFrame]:
        """See :class:`DrivingFace`."""
        return iter(self._rows)


def is_face_template(path: Path) -> bool:
    """Whether a file is a template of a face's motion, by its first bytes."""
    if path.suffix.lower() != SUFFIX or not path.is_file():
        return False
    with path.open("rb") as stream:
        return f'"{KIND}"'.encode() in stream.read(200)


class FaceTemplateWriter(TemplateFile):
    """Writes a template frame by frame; the file appears when the ``with`` block ends without error."""

    def __init__(self, path: Path, source: Path, frame_rate: Fraction) -> None:
        """Takes where to write, the clip that it is of, and its frame rate.

        Raises:
            InputError: the file cannot be written there.
        """
        head = {"kinema": KIND, "version": 1, "frame_rate": str(frame_rate), "source": source.name}
        super().__init__(path, head)

    def write(self, frame: FaceFrame) -> None:
        """Adds a frame; its picture is not kept."""
        row: dict[str, Any] = {"time": str(frame.time)}
        if frame.mesh is not None:
            row["points"] = base64.b64encode(frame.mesh.points.astype("<f4").tobytes()).decode()
            row["scores"] = [round(float(score), 4) for score in frame.mesh.scores]
        self.write_frame(row)


def _read(path: Path) -> tuple[_Head, list[FaceFrame]]:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: has {size / 2**20:.0f} MiB, a motion template has at most {MAX_BYTES >> 20}")
        values: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a motion template") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON; give a motion template that --save-motion wrote") from error
    fields = cast("dict[str, Any]", values) if isinstance(values, dict) else {}
    listed: object = fields.pop("frames", None)
    frames = cast("list[object]", listed) if isinstance(listed, list) else []
    if not frames:
        raise InputError(f"{path}: holds no frames of a face's motion; --save-motion writes them")
    head = _Head.parse(fields, origin=str(path))
    rows: list[FaceFrame] = []
    for number, row in enumerate(frames):
        rows.append(_frame(row, number, path))
        if number and rows[-1].time <= rows[-2].time:
            raise InputError(f"{path}: frame {number}: its time {rows[-1].time} is not after the one before")
    return head, rows


def _frame(values: object, number: int, path: Path) -> FaceFrame:
    try:
        row = _Row.model_validate(values)
        time = Fraction(row.time)
        if row.points is None:
            return FaceFrame(time, None, None)
        content = base64.b64decode(row.points, validate=True)
    except ValidationError as error:
        raise InputError(f"{path}: frame {number}: {first_complaint(error, _Row)}") from error
    except (ZeroDivisionError, binascii.Error, ValueError) as error:
        raise InputError(f"{path}: frame {number}: is damaged ({error}); save the template again") from error
    if len(content) != _POINT_BYTES or row.scores is None:
        raise InputError(f"{path}: frame {number}: holds no {NUM_POINTS} points with scores; save the template again")
    points = np.frombuffer(content, "<f4").reshape(NUM_POINTS, 3).astype(np.float64)
    if not np.isfinite(points).all() or np.abs(points).max() > 1e6:
        raise InputError(f"{path}: frame {number}: its points are no numbers of a picture; save the template again")
    return FaceFrame(time, FaceMesh(points, np.array(row.scores), 1.0, (0.0, 0.0, 0.0, 0.0)), None)
