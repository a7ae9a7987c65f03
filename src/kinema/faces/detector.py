"""Finds the faces in a picture, each with its box and the 68 landmarks of ``kinema.faces.landmarks``.

MediaPipe's networks find them (``kinema.faces.mesh_tracker``), and a table makes their 478 points the 68 landmarks
(``kinema.faces.mesh_landmarks``). Needs the extra ``face``, whose packages are those of ``head``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinema.blocks.litert import weights_file
from kinema.core.checks import InputError, require_extra
from kinema.faces.landmarks import NOSE_TIP, OUTER_EYE_CORNERS
from kinema.faces.mesh import TASK, FaceMesh
from kinema.faces.mesh_landmarks import landmarks_of_mesh
from kinema.faces.mesh_tracker import MeshTracker, smallest_face

# Identifies the detector and the table; stored landmarks are filed under it.
DETECTOR = "MediaPipe face mesh, 68 landmarks by a table"
# |sine| of the head's turn: 20 degrees. In 204 frontal photos (data/london-faces) it is at most 0.13; in faces of
# data/faces rendered at up to 28 degrees it is 0.92 times the true sine.
MAX_TURN = 0.34
# A face smaller than this fraction of the largest one is a bystander.
BYSTANDER_SHARE = 1 / 3

# Shift of the nose tip along the line of the outer eye corners, in units of their distance, at 45 degrees (in faces of
# data/smiles 0.60 to 0.73).
_NOSE_DEPTH = 0.65
_MAX_FACES = 30

_PURPOSE = "finding faces"


@dataclass(frozen=True, eq=False)
class FoundFace:
    """One face of a picture.

    Attributes:
        box: left, top, right, bottom in pixels of the picture, about from the hair to the chin; it may reach outside.
        landmarks: (68, 2) float32 points (x, y) in pixels, 0 the centre of the first.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray

    @property
    def turn(self) -> float:
        """How far the head is turned: the sine of the angle, 0 frontal, 1 a profile to the right of the picture."""
        left, right = (self.landmarks[corner].astype(np.float64) for corner in OUTER_EYE_CORNERS)
        axis = right - left
        along = float((self.landmarks[NOSE_TIP] - (left + right) / 2) @ axis / max(float(axis @ axis), 1e-12))
        return along / math.hypot(along, _NOSE_DEPTH)

    @property
    def width(self) -> float:
        """Width of the box, in pixels."""
        return self.box[2] - self.box[0]

    @property
    def span(self) -> float:
        """Longer side of the landmarks' bounding box, in pixels."""
        return float(np.ptp(self.landmarks, axis=0).max())

    @property
    def centre(self) -> tuple[float, float]:
        """Centre (x, y) of the box, in pixels."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def find_faces(image: np.ndarray) -> tuple[FoundFace, ...]:
    """Finds the faces of a picture, the largest first; it may miss those that are much smaller than the largest.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        Each with box and landmarks in pixels of ``image``; empty if no face is found.

    Raises:
        MissingExtraError: the extra ``face`` is not installed.
        InputError: ``image`` is not (H, W, 3) uint8.
    """
    faces = (_found(mesh) for mesh in _tracker().find(image, _MAX_FACES))
    return tuple(sorted(faces, key=lambda face: -face.span))


def find_faces_near(image: np.ndarray, face: FoundFace, reach: float) -> tuple[FoundFace, ...]:
    """Finds faces near a known one and of about its size, for the next frame of a video.

    Args:
        image: (H, W, 3) uint8 RGB.
        face: as it was found before.
        reach: half the side of the square that is searched, in widths of the face.

    Returns:
        The nearest first.
    """
    (x, y), half = face.centre, reach * face.width
    left, top = max(0, math.floor(x - half)), max(0, math.floor(y - half))
    part = image[top : max(top, math.ceil(y + half)), left : max(left, math.ceil(x + half))]
    if min(part.shape[:2]) < 0.5 * face.width:
        return ()
    faces = (_found(mesh, left, top) for mesh in _tracker().find(part, _MAX_FACES))
    alike = (other for other in faces if 0.5 < other.width / face.width < 2)
    return tuple(sorted(alike, key=lambda other: math.dist(other.centre, face.centre)))


def choose_face(image: np.ndarray, *, what: str, number: int | None = None, any_turn: bool = False) -> FoundFace:
    """Chooses one face of a picture; see :func:`choose_among`.

    Raises:
        InputError: there is no face, several are possible, or the face is turned too far.
        MissingExtraError: the extra ``face`` is not installed.
    """
    faces = find_faces(image)
    if not faces:
        raise InputError(f"{what}: {no_face_advice(image)}, or give its landmarks by --landmarks FILE")
    return choose_among(faces, what=what, number=number, any_turn=any_turn)


def choose_among(
    faces: Sequence[FoundFace], *, what: str, number: int | None = None, any_turn: bool = False
) -> FoundFace:
    """Chooses one of the faces that were found in a picture.

    Args:
        faces: one or more, the largest first.
        what: name of the picture for error messages.
        number: of the face, counted from left to right from 1; needed only if several are of similar size.
        any_turn: also accept a face that is turned away.

    Raises:
        InputError: several faces are possible, there is no such number, or the face is turned too far.
    """
    counted = main_faces(faces)
    if number is None and len(counted) > 1:
        raise InputError(f"{what}: shows {len(counted)} faces; say which by --face N: {_places(counted)}")
    if number is not None and not 1 <= number <= len(counted):
        raise InputError(
            f"{what}: --face {number}: there {'is 1 face' if len(counted) == 1 else f'are {len(counted)} faces'} "
            f"of like size, counted from left to right: {_places(counted)}"
        )
    face = counted[0 if number is None else number - 1]
    if abs(face.turn) > MAX_TURN and not any_turn:
        angle, limit = (round(math.degrees(math.asin(min(1.0, abs(turn))))) for turn in (face.turn, MAX_TURN))
        raise InputError(
            f"{what}: its face is turned to the {'right' if face.turn > 0 else 'left'} by about {angle} degrees, and "
            f"frontal faces (up to {limit}) were learned; give a frontal photo, or --any-turn to try anyhow"
        )
    return face


def main_faces(faces: Sequence[FoundFace]) -> tuple[FoundFace, ...]:
    """Faces at least a third as large as the largest one, from left to right; smaller ones are bystanders."""
    largest = max((face.span for face in faces), default=0.0)
    counted = [face for face in faces if face.span >= BYSTANDER_SHARE * largest]
    return tuple(sorted(counted, key=lambda face: face.centre))


def no_face_advice(image: np.ndarray) -> str:
    """The error message for a (H, W, 3) picture in which no face was found, without its name."""
    height, width = image.shape[:2]
    return (
        f"no face was found in {width}x{height} pixels (width x height); accepted are upright, frontal faces at least "
        f"{smallest_face(height, width)} pixels wide, not cut off by the edge; give another picture or crop it closer"
    )


def _places(faces: Sequence[FoundFace]) -> str:
    return ", ".join(
        f"{number} at x {face.centre[0]:.0f}, y {face.centre[1]:.0f} ({face.width:.0f} pixels wide)"
        for number, face in enumerate(faces, start=1)
    )


def _found(mesh: FaceMesh, left: int = 0, top: int = 0) -> FoundFace:
    """A face that was found in a part of a picture whose first pixel is at (left, top)."""
    x0, y0, x1, y1 = mesh.box
    landmarks = landmarks_of_mesh(mesh.points) + [left, top]
    return FoundFace((x0 + left, y0 + top, x1 + left, y1 + top), landmarks.astype(np.float32))


@functools.cache
def _tracker() -> MeshTracker:
    """The networks, read once."""
    require_extra("cv2", extra="face", purpose=_PURPOSE)
    require_extra("ai_edge_litert.interpreter", extra="face", purpose=_PURPOSE)
    weights_file(TASK, extra="face", purpose=_PURPOSE)
    return MeshTracker()
