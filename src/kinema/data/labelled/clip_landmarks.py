"""Detects landmarks in labelled clips that have none.

Detected landmarks are stored in the cache beside the decoded frames, so that no clip is searched twice. Needs the extra
``face``.
"""

from __future__ import annotations

import importlib.metadata
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from kinema.blocks.litert import WEIGHTS_PACKAGE
from kinema.core.checks import InputError, MissingExtraError
from kinema.data.clips.cache import CACHE_VARIABLE, content_key, default_cache_folder
from kinema.data.clips.folder import MIN_FRAMES, Unreadable, reason_without_path, too_few_frames
from kinema.data.labelled.expression_clips import LabelledClip
from kinema.faces.detector import DETECTOR, FoundFace, main_faces
from kinema.faces.landmarks import NUM_LANDMARKS
from kinema.faces.track import FaceTrack
from kinema.video import open_video

# As a fraction of a clip's frames: if more are without a face, most of its motion would be interpolated.
MAX_MISSING = 0.25
_LAYOUT_VERSION = 1  # to be raised when the same clip gives different landmarks


def with_landmarks(
    clips: Sequence[LabelledClip], on_progress: Callable[[int, int], None] | None = None
) -> tuple[tuple[LabelledClip, ...], tuple[Unreadable, ...]]:
    """Adds landmarks to clips without them, and leaves out clips in which too few could be found.

    Args:
        clips: with or without landmarks; those with landmarks are not changed.
        on_progress: called with how many clips without landmarks are done, and how many there are.

    Returns:
        Clips in the order given, and those left out with reasons. In frames without a face, landmarks are interpolated
        linearly between neighbouring frames; at the end, the last ones are repeated.

    Raises:
        InputError: no clip is left, or the cache cannot be written.
        MissingExtraError: a clip has none and the extra ``face`` is not installed.
    """
    found, left_out = [], []
    missing = sum(clip.landmarks is None for clip in clips)
    done = 0
    for clip in clips:
        if clip.landmarks is not None:
            found.append(clip)
            continue
        try:
            found.append(replace(clip, landmarks=_without_gaps(_stored_or_found(clip.path))))
        except (MissingExtraError, _CacheError):
            raise
        except (InputError, OSError) as error:
            left_out.append(Unreadable(clip.path, reason_without_path(error, clip.path)))
        done += 1
        if on_progress is not None:
            on_progress(done, missing)
    if clips and not found:
        raise InputError(f"none of {len(clips)} clips without landmarks shows a face; the first: {left_out[0]}")
    return tuple(found), tuple(left_out)


class _CacheError(InputError):
    """The cache cannot be written, so no clip can be stored."""


def _without_gaps(points: np.ndarray) -> np.ndarray:
    """Interpolates (T, 68, 2) landmarks where rows are NaN."""
    present = np.asarray(np.isfinite(points).all(axis=(1, 2)))
    if len(points) < MIN_FRAMES:
        raise InputError(too_few_frames(len(points)))
    if not present[0]:
        raise InputError("no face was found in its first frame; cut it to begin with an upright, frontal face")
    missing = 1 - present.mean()
    if missing > MAX_MISSING:
        raise InputError(
            f"no face was found in {missing:.0%} of its frames, at most {MAX_MISSING:.0%} are accepted; crop it "
            "closer, or name a landmark file in the column landmarks"
        )
    times, known = np.arange(len(points)), np.flatnonzero(present)
    flat = points.reshape(len(points), -1)
    columns = [np.interp(times, known, flat[known, column]) for column in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(points.shape).astype(np.float32)


def _stored_or_found(path: Path) -> np.ndarray:
    """(T, 68, 2) landmarks of a video, NaN in frames without a face; only the first frame if that has no face."""
    target = _entry(path)
    try:
        points = np.load(target)
        if points.ndim == 3 and points.shape[1:] == (NUM_LANDMARKS, 2):
            return points
    except (OSError, ValueError, EOFError):
        pass  # never stored, or damaged: detected again
    points = _find(path)
    _store(target, points)
    return points


def _find(path: Path) -> np.ndarray:
    track = FaceTrack(_the_only)
    nowhere = np.full((NUM_LANDMARKS, 2), np.nan, dtype=np.float32)
    rows = []
    with open_video(path) as reader:
        for frame in reader:
            face = track.step(frame.image)
            rows.append(nowhere if face is None else face.landmarks)
            if len(rows) == MIN_FRAMES and rows[0] is nowhere:
                break  # the clip is left out whatever follows
    return np.stack(rows)


def _the_only(faces: tuple[FoundFace, ...]) -> FoundFace:
    counted = main_faces(faces)
    if len(counted) > 1:
        raise InputError(f"shows {len(counted)} faces of like size; crop it to the one that the label is of")
    return faces[0]


def _entry(path: Path) -> Path:
    """The cache file for a video's landmarks, by its path, size and modification time, and by the detector."""
    try:
        version = importlib.metadata.version(WEIGHTS_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        version = ""
    key = content_key(path, _LAYOUT_VERSION, DETECTOR, version)
    return default_cache_folder() / "landmarks" / f"{key}.npy"


def _store(target: Path, points: np.ndarray) -> None:
    stream = io.BytesIO()
    np.save(stream, points)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(stream.getvalue())
        temporary.replace(target)
    except OSError as error:
        raise _CacheError(
            f"{target.parent}: cannot be written ({error.strerror}); free space or set {CACHE_VARIABLE}"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
