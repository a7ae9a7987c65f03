"""Finds a face's 68 landmarks by dlib: the second opinion of ``kinema evaluate``, which nothing else asks.

dlib's HOG detector (King, Max-margin object detection, 2015) and its ensemble of regression trees (Kazemi and Sullivan,
CVPR 2014), with the weights of ``face_recognition_models``: the extra ``dlib``. These weights were trained on iBUG
300-W, whose terms exclude commercial use, so the extra is optional and for research; ``kinema.faces.detector`` finds
faces for everything else. Found are upright faces that are turned by up to some 40 degrees.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kinema.core.checks import InputError, MissingExtraError, require_extra

WEIGHTS_PACKAGE = "face_recognition_models"
# The detector finds no faces below 80 pixels, and takes 4 times as long for twice the side: 0.07 s at 800x800, 0.27 s
# at 1600x1600 (one core). So an enlarged copy is searched only if no face was found in a smaller one.
_SEARCH_PX, _MIN_SIDE_PX = 800, 256
# The box of a face is resized to this width before its landmarks are predicted, as whole pixels of the copy.
_PREDICT_PX, _PREDICT_MARGIN = 320, 0.5

_PURPOSE = "measuring faces"

_Box = tuple[float, float, float, float]


def detect_landmarks(image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The 68 landmarks of the largest face.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        (68, 2) points (x, y) in pixels of ``image``, the centre of the first pixel at (0, 0); None if no face is found.

    Raises:
        MissingExtraError: the extra ``dlib`` is not installed.
        InputError: ``image`` is not (H, W, 3) uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(f"face: an image of {image.dtype} {image.shape}, expected uint8 (height, width, 3) RGB")
    picture = Image.fromarray(np.ascontiguousarray(image))
    shorter, longer = sorted(picture.size)
    first = min(_SEARCH_PX / longer, max(1.0, _MIN_SIDE_PX / shorter))
    for scale in (first, 2 * first):
        if boxes := _boxes(picture, scale):
            return _landmarks(picture, max(boxes, key=lambda box: box[2] - box[0]))
    return None


def weights_file(name: str) -> Path:
    """Finds a file of ``face_recognition_models`` without importing it, since it imports the removed pkg_resources.

    Raises:
        MissingExtraError: the package is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            f"{_PURPOSE} needs the module '{WEIGHTS_PACKAGE}', which is not installed: pip install 'kinema[dlib]'"
        )
    return Path(spec.origin).parent / "models" / name


def _boxes(picture: Image.Image, scale: float) -> list[_Box]:
    """Boxes of faces in pixels of the picture, found in a resized copy of it."""
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    copy = picture if scale == 1 else picture.resize(size, Image.Resampling.BICUBIC)
    by_x, by_y = picture.width / size[0], picture.height / size[1]
    return [
        (box.left() * by_x, box.top() * by_y, (box.right() + 1) * by_x, (box.bottom() + 1) * by_y)
        for box in _finder().run(np.asarray(copy), 0, 0.0)[0]
    ]


def _landmarks(picture: Image.Image, box: _Box) -> NDArray[np.float64]:
    """Those of the face in a box, predicted in a copy of its surroundings, resized to a fixed face size."""
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
    dlib = require_extra("dlib", extra="dlib", purpose=_PURPOSE)
    shape = _predictor()(copy, dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
    points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)
    return (points + 0.5) / factor - 0.5 + area[:2]


@functools.cache
def _finder() -> Any:
    """dlib's HOG face detector."""
    return require_extra("dlib", extra="dlib", purpose=_PURPOSE).get_frontal_face_detector()


@functools.cache
def _predictor() -> Any:
    """dlib's predictor of 68 landmarks, a file of 100 MB that is read once."""
    dlib = require_extra("dlib", extra="dlib", purpose=_PURPOSE)
    return dlib.shape_predictor(str(weights_file("shape_predictor_68_face_landmarks.dat")))
