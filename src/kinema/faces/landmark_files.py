"""Reads and writes the 68 landmarks of one face over T frames as .npy, .json, .csv and iBUG's .pts."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from kinema.core.atomic_output import check_target, one_line, put_in_place, remove, temporary_beside
from kinema.core.checks import InputError
from kinema.core.json_file import stated_rate
from kinema.faces.landmarks import NUM_LANDMARKS

LANDMARK_SUFFIXES = (".npy", ".json", ".csv", ".pts")
_COLUMNS = ("frame", "point", "x", "y")
# The largest frame number that is accepted, four hours at 60 frames per second, and only if enough of the frames before
# it have lines: a typing error must not take all memory.
_MAX_FRAMES = 1_000_000
_MOST_GAPS, _FREE_FRAMES = 50, 1000


@dataclass(frozen=True, eq=False)
class LandmarkTrack:
    """The landmarks of one face over the frames of a clip, or in a picture.

    Attributes:
        landmarks: (T, 68, 2) float32 points (x, y) in pixels, 0 the centre of the first; NaN in frames without a face.
        size: (height, width) of the frames, or None if unknown.
        frame_rate: frames per second, or None if unknown.
    """

    landmarks: np.ndarray
    size: tuple[int, int] | None = None
    frame_rate: Fraction | None = None

    @property
    def present(self) -> np.ndarray:
        """(T,) bool, whether a frame has a face."""
        return np.asarray(np.isfinite(self.landmarks).all(axis=(1, 2)))


def read_landmarks(path: str | Path) -> LandmarkTrack:
    """Reads landmarks from a file.

    Args:
        path: ``.npy`` of (T, 68, 2) or (68, 2) pixels, NaN where there is no face; ``.json`` with "landmarks", a list
            of frames, each of 68 [x, y] or null; ``.csv`` with the columns frame,point,x,y, numbers from 0 on, a frame
            without points has no face; ``.pts`` of one frame, whose first pixel is at (1, 1).

    Raises:
        InputError: it is none of these, no face is in any frame, or a number is missing.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in LANDMARK_SUFFIXES:
        raise InputError(f"{path}: '{suffix}' is no landmark file; give {', '.join(LANDMARK_SUFFIXES)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a file of landmarks") from error
    read = {".npy": _from_npy, ".json": _from_json, ".csv": _from_csv, ".pts": _from_pts}[suffix]
    return _checked(path, read(path, content))


def check_landmarks_target(path: str | Path) -> None:
    """Refuses a path that :func:`write_landmarks` could not write, before any work is done.

    Raises:
        InputError: the suffix is unknown, or the folder is missing.
    """
    path = Path(path)
    if path.suffix.lower() not in LANDMARK_SUFFIXES:
        raise InputError(f"{path}: landmarks are not written to '{path.suffix}'; give {', '.join(LANDMARK_SUFFIXES)}")
    check_target(path)


def write_landmarks(path: str | Path, track: LandmarkTrack) -> None:
    """Writes landmarks to a file that appears complete or not at all; only .json keeps size and frame rate.

    Args:
        path: .npy, .json, .csv or .pts.
        track: what to write; a .pts holds one frame.

    Raises:
        InputError: the path cannot be written, or the format is .pts and the track does not have one frame.
    """
    path = Path(path)
    check_landmarks_target(path)
    write = {".npy": _to_npy, ".json": _to_json, ".csv": _to_csv, ".pts": _to_pts}[path.suffix.lower()]
    content = write(path, _checked(path, track))
    temporary = temporary_beside(path)
    try:
        with one_line(path):
            temporary.write_bytes(content)
            put_in_place(temporary, path)
    finally:
        remove(temporary)


def _checked(path: Path, track: LandmarkTrack) -> LandmarkTrack:
    """Checks a track and converts its landmarks to float32."""
    points = track.landmarks
    if points.ndim != 3 or points.shape[1:] != (NUM_LANDMARKS, 2) or len(points) == 0:
        raise InputError(f"{path}: landmarks of shape {points.shape}; expected (T, {NUM_LANDMARKS}, 2) pixels")
    if points.dtype.kind not in "fiu":
        raise InputError(f"{path}: holds {points.dtype}; expected numbers of pixels")
    with np.errstate(over="ignore"):  # numbers that are too large become infinite and are refused below
        points = points.astype(np.float32)
    finite = np.isfinite(points).all(axis=(1, 2))
    broken = ~finite & ~np.isnan(points).all(axis=(1, 2))
    if broken.any():
        raise InputError(
            f"{path}: frame {int(broken.argmax())} has some of its {NUM_LANDMARKS} points only; give all, or none "
            "where no face is seen"
        )
    if not finite.any():
        raise InputError(f"{path}: no frame of it has a face; give a file with landmarks")
    return LandmarkTrack(points, track.size, track.frame_rate)


def _from_npy(path: Path, content: bytes) -> LandmarkTrack:
    try:
        _check_npy_size(content)
        points = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, MemoryError, RecursionError, SyntaxError, TypeError, TokenError) as error:
        reason = (str(error).splitlines() or ["broken"])[0]
        raise InputError(
            f"{path}: not a readable .npy file ({reason}); write (T, {NUM_LANDMARKS}, 2) numbers"
        ) from error
    return LandmarkTrack(points[None] if points.ndim == 2 else points)


def _check_npy_size(content: bytes) -> None:
    """Refuses a header that states more numbers than follow it, before memory is allocated for them."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"its header says shape {shape}, and {len(content) - stream.tell()} bytes follow")


def _to_npy(path: Path, track: LandmarkTrack) -> bytes:
    stream = io.BytesIO()
    np.save(stream, track.landmarks)
    return stream.getvalue()


def _from_json(path: Path, content: bytes) -> LandmarkTrack:
    expected = f'give {{"landmarks": [...]}} with {NUM_LANDMARKS} [x, y] or null for each frame'
    try:
        told = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON ({str(error).splitlines()[0]}); {expected}") from error
    frames = told.get("landmarks") if isinstance(told, dict) else told
    if not isinstance(frames, list) or not frames:
        raise InputError(f"{path}: has no list 'landmarks'; {expected}")
    if len(frames) == NUM_LANDMARKS and _shape_of(frames[0]) == (2,):
        frames = [frames]
    for index, frame in enumerate(frames):
        if frame is not None and _shape_of(frame) != (NUM_LANDMARKS, 2):
            raise InputError(f"{path}: frame {index} has no {NUM_LANDMARKS} points [x, y]; {expected}")
    nowhere = np.full((NUM_LANDMARKS, 2), np.nan)
    points = np.stack([nowhere if frame is None else np.array(frame, dtype=np.float64) for frame in frames])
    stated: dict[str, Any] = told if isinstance(told, dict) else {}
    return LandmarkTrack(points, _size(stated.get("size")), stated_rate(stated.get("frame_rate")))


def _to_json(path: Path, track: LandmarkTrack) -> bytes:
    frames = [
        [[round(float(x), 3), round(float(y), 3)] for x, y in frame] if there else None
        for frame, there in zip(track.landmarks, track.present, strict=True)
    ]
    told = {
        "size": None if track.size is None else list(track.size),
        "frame_rate": None if track.frame_rate is None else str(track.frame_rate),
        "landmarks": frames,
    }
    return (json.dumps(told) + "\n").encode()


def _from_csv(path: Path, content: bytes) -> LandmarkTrack:
    expected = f"its lines are {','.join(_COLUMNS)} with frames from 0 on and points 0 to {NUM_LANDMARKS - 1}"
    try:
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error}); {expected}") from error
    if not rows or [cell.strip() for cell in rows[0]] != list(_COLUMNS):
        raise InputError(f"{path}: its first line is not {','.join(_COLUMNS)}; write it")
    read: dict[int, np.ndarray] = {}
    for number, row in enumerate(rows[1:], start=2):
        try:
            frame = int(row[0])
            points = read.setdefault(frame, np.full((NUM_LANDMARKS, 2), np.nan))
            if any(cell.strip() for cell in row[1:]):
                point, place = int(row[1]), (float(row[2]), float(row[3]))
                sound = 0 <= point < NUM_LANDMARKS and np.isfinite(place).all() and np.isnan(points[point]).all()
                if not sound or len(row) != len(_COLUMNS):
                    raise ValueError
                points[point] = place
            if not 0 <= frame < _MAX_FRAMES:
                raise ValueError
        except (ValueError, IndexError) as error:
            raise InputError(f"{path}: row {number} is '{','.join(row)[:80]}'; {expected}, each once") from error
    last = max(read, default=-1)
    if last + 1 > _FREE_FRAMES + _MOST_GAPS * len(read):
        raise InputError(
            f"{path}: frame {last} is far beyond the {len(read)} frames that have lines; {expected}, "
            "a frame without a face as a line without points"
        )
    landmarks = np.full((last + 1, NUM_LANDMARKS, 2), np.nan, dtype=np.float32)
    for frame, points in read.items():
        landmarks[frame] = points
    return LandmarkTrack(landmarks)


def _to_csv(path: Path, track: LandmarkTrack) -> bytes:
    lines = [",".join(_COLUMNS)]
    for index, (frame, there) in enumerate(zip(track.landmarks, track.present, strict=True)):
        if there:
            lines += (f"{index},{point},{x:.3f},{y:.3f}" for point, (x, y) in enumerate(frame.tolist()))
        else:
            lines.append(f"{index},,,")  # so that the number of frames is kept
    return ("\n".join(lines) + "\n").encode()


def _from_pts(path: Path, content: bytes) -> LandmarkTrack:
    expected = f"give iBUG's form: 'version: 1', 'n_points: {NUM_LANDMARKS}', then x y of each point between {{ and }}"
    try:
        head, _, rest = content.decode("utf-8-sig").partition("{")
        body, closed, _ = rest.partition("}")
        values = np.array([float(word) for word in body.split()])
    except ValueError as error:
        raise InputError(f"{path}: is no .pts file ({str(error).splitlines()[0]}); {expected}") from error
    if not closed or "version" not in head or values.size != 2 * NUM_LANDMARKS or not np.isfinite(values).all():
        raise InputError(f"{path}: has {values.size} numbers, expected {2 * NUM_LANDMARKS}; {expected}")
    return LandmarkTrack(values.reshape(1, NUM_LANDMARKS, 2) - 1)  # 1 is the centre of the first pixel there


def _to_pts(path: Path, track: LandmarkTrack) -> bytes:
    if len(track.landmarks) != 1:
        raise InputError(
            f"{path}: a .pts file is one frame, there are {len(track.landmarks)}; give .npy, .json or .csv"
        )
    points = "\n".join(f"{x + 1:.3f} {y + 1:.3f}" for x, y in track.landmarks[0].tolist())
    return f"version: 1\nn_points: {NUM_LANDMARKS}\n{{\n{points}\n}}\n".encode()


def _shape_of(values: Any) -> tuple[int, ...] | None:
    """The shape of nested lists of finite numbers; None for anything else."""
    try:
        array = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    return array.shape if np.isfinite(array).all() else None


def _size(value: Any) -> tuple[int, int] | None:
    sound = isinstance(value, list) and len(value) == 2 and all(type(side) is int and side > 0 for side in value)
    return (value[0], value[1]) if sound else None
