# pyright: strict
"""Finds one face's landmarks in a picture or video and writes or draws them; frames are streamed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request
from kinema.faces.detector import FoundFace, choose_among, no_face_advice
from kinema.faces.landmark_files import (
    LANDMARK_SUFFIXES,
    LandmarkTrack,
    check_landmarks_target,
    read_landmarks,
    write_landmarks,
)
from kinema.faces.landmarks import NUM_LANDMARKS
from kinema.faces.overlay import draw_face
from kinema.faces.track import FaceTrack
from kinema.video import VideoInfo, open_video
from kinema.video.info import DEFAULT_FRAME_RATE, check_exists, check_size
from kinema.video.writing.picture_or_video import drawing, size_around


class LandmarksRequest(Request):
    """Where to look for a face, and what to write.

    Attributes:
        source: picture, video, animated picture, folder of frames, or landmarks, which are drawn or written anew.
        output: .npy, .json, .csv or .pts for landmarks; a picture or video for the drawing.
        draw: a picture or video to draw as well, where ``output`` takes landmarks.
        face: which one of the first frame that shows any, from left to right, 1 the first; None: the only one.
        sound: keep the sound in a drawn video.
    """

    source: Path
    output: Path
    draw: Path | None = None
    face: int | None = None
    sound: bool = True


@dataclass(frozen=True)
class LandmarksResult:
    """What was found.

    Attributes:
        paths: of the files.
        present: (T,) bool, whether each frame shows the face.
    """

    paths: tuple[Path, ...]
    present: np.ndarray


def holds_landmarks(path: Path) -> bool:
    """Whether a path is one of landmarks, by its suffix."""
    return path.suffix.lower() in LANDMARK_SUFFIXES


def find_landmarks(request: LandmarksRequest, progress: Progress = ignore) -> LandmarksResult:
    """Finds the landmarks of one face in every frame, writes or draws them.

    Args:
        request: what to do.
        progress: told of the frames.

    Returns:
        What was found. Every output appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, no frame shows a face, it is not clear which one,
            or outputs disagree.
        MissingExtraError: the extra ``face`` is not installed.
    """
    landmarks_to, drawn_to = _outputs(request)
    if request.face is not None and request.face < 1:
        raise InputError(f"--face {request.face}: give a number from 1 (the leftmost face) on")
    if landmarks_to is not None:
        check_landmarks_target(landmarks_to)
    check_exists(request.source)
    if holds_landmarks(request.source):
        track = _from_file(request, drawn_to)
    else:
        track = _from_frames(request, landmarks_to, drawn_to, progress)
    if landmarks_to is not None:
        write_landmarks(landmarks_to, track)
    return LandmarksResult(tuple(path for path in (landmarks_to, drawn_to) if path is not None), track.present)


def _outputs(request: LandmarksRequest) -> tuple[Path | None, Path | None]:
    """Where landmarks go and where the drawing goes."""
    if holds_landmarks(request.output):
        if request.draw is not None and holds_landmarks(request.draw):
            raise InputError(f"--draw {request.draw}: is no picture or video; give .png, .jpg, .mp4, .gif or a folder")
        return request.output, request.draw
    if request.draw is not None:
        raise InputError(
            f"--draw {request.draw}: -o {request.output} is the drawing already; give -o .npy, .json, .csv or .pts"
        )
    return None, request.output


def _from_frames(
    request: LandmarksRequest, landmarks_to: Path | None, drawn_to: Path | None, progress: Progress
) -> LandmarkTrack:
    nowhere = np.full((NUM_LANDMARKS, 2), np.nan, dtype=np.float32)
    rows: list[np.ndarray] = []
    with open_video(request.source) as reader:
        info = reader.info
        single = landmarks_to is not None and landmarks_to.suffix.lower() == ".pts"
        if single and (info.num_frames or 1) > 1:
            raise InputError(
                f"{landmarks_to}: a .pts file is one frame and {request.source} has more; give .npy or .json"
            )

        def choose(faces: tuple[FoundFace, ...]) -> FoundFace:
            frame = f"{request.source}" if not rows else f"{request.source}, frame {len(rows)}"
            return choose_among(faces, what=frame, number=request.face, any_turn=True)

        track = FaceTrack(choose)
        advice = ""
        with drawing(drawn_to, info, draw_face, sound=request.sound) as draw:
            for frame in reader:
                face = track.step(frame.image)
                points = nowhere if face is None else face.landmarks
                advice = advice or no_face_advice(frame.image)
                rows.append(points)
                draw(frame.image, points, frame.time_seconds)
                progress(Advanced("finding landmarks", len(rows), info.num_frames))
            if all(points is nowhere for points in rows):
                many = "" if len(rows) == 1 else f"in none of its {len(rows)} frames: "
                raise InputError(f"{request.source}: {many}{advice}")
    return LandmarkTrack(np.stack(rows), (info.height, info.width), None if len(rows) == 1 else info.frame_rate)


def _from_file(request: LandmarksRequest, drawn_to: Path | None) -> LandmarkTrack:
    """Landmarks that a file holds, drawn on black."""
    track = read_landmarks(request.source)
    if drawn_to is not None:
        points = track.landmarks[track.present].reshape(-1, 2)
        height, width = track.size or size_around(points, request.source, what="landmarks")
        check_size(request.source, height=height, width=width)
        canvas = np.zeros((height, width, 3), dtype=np.uint8)
        rate = track.frame_rate or DEFAULT_FRAME_RATE
        info = VideoInfo(request.source, height, width, rate, None, len(track.landmarks), False, "landmarks")
        with drawing(drawn_to, info, draw_face) as draw:
            for row in track.landmarks:
                draw(canvas, row, None)
    return track
