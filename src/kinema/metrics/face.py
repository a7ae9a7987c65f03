"""Measures whether a face moved correctly (landmarks) and stayed the same person (embeddings).

Needs the extra ``dlib``: dlib with the weights of ``face_recognition_models``. Small frames, true and generated alike,
are enlarged before measuring, because resolution alone changes the embedding by 0.2 to 0.4.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from kinema.core.checks import InputError, require_extra
from kinema.metrics.dlib_faces import detect_landmarks, weights_file

# Frames with a shorter side below this are enlarged before the chip is cut.
_MIN_SIDE_PX = 256
_CHIP_PX = 150

_PURPOSE = "measuring faces"


def face_embedding(image: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """dlib's face descriptor, which identifies the person, of the chip cut out by ``landmarks``.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) points (x, y) in pixels of ``image``.

    Returns:
        (128,), of length about 1.5; two faces of one person are usually less than 0.6 apart.

    Raises:
        MissingExtraError: the extra ``dlib`` is not installed.
        InputError: ``image`` is not (H, W, 3) uint8 or there are not 68 landmarks.
    """
    if landmarks.shape != (68, 2):
        raise InputError(f"face embedding: landmarks of shape {landmarks.shape}, expected (68, 2) points (x, y)")
    dlib = require_extra("dlib", extra="dlib", purpose=_PURPOSE)
    enlarged, factor = _enlarge(image)
    points = [dlib.point(int(x), int(y)) for x, y in np.rint((landmarks + 0.5) * factor - 0.5)]
    box = dlib.rectangle(0, 0, enlarged.shape[1], enlarged.shape[0])  # unused by the chip, which follows the points
    chip = dlib.get_face_chip(enlarged, dlib.full_object_detection(box, points), size=_CHIP_PX)
    return np.array(_embedder().compute_face_descriptor(chip), dtype=np.float64)


def landmark_distance(frames_true: Tensor, frames_generated: Tensor) -> Tensor:
    """Average keypoint distance (AKD) between the landmarks of two batches of frames.

    Args:
        frames_true: (N, 3, H, W) in [0, 1].
        frames_generated: (N, 3, H, W) in [0, 1].

    Returns:
        (N,) pixels, mean over 68 points; NaN if the detector finds no face in one of the frames.
    """
    distances = []
    for image_true, image_generated in _pairs(frames_true, frames_generated):
        landmarks_true, landmarks_generated = detect_landmarks(image_true), detect_landmarks(image_generated)
        if landmarks_true is None or landmarks_generated is None:
            distances.append(math.nan)
        else:
            distances.append(float(np.linalg.norm(landmarks_true - landmarks_generated, axis=1).mean()))
    return torch.tensor(distances)


def identity_distance(frames_true: Tensor, frames_generated: Tensor) -> Tensor:
    """Average Euclidean distance (AED) between the face embeddings of two batches of frames.

    Both chips are cut by the landmarks of the true frame, so that a misplaced face increases the distance too.
    Published AED uses OpenFace's network and cannot be compared with this one.

    Args:
        frames_true: (N, 3, H, W) in [0, 1].
        frames_generated: (N, 3, H, W) in [0, 1], the same person in the same pose.

    Returns:
        (N,) distances, below 0.6 usually for one person; NaN if no face is found in the true frame.
    """
    distances = []
    for image_true, image_generated in _pairs(frames_true, frames_generated):
        landmarks = detect_landmarks(image_true)
        if landmarks is None:
            distances.append(math.nan)
            continue
        difference = face_embedding(image_true, landmarks) - face_embedding(image_generated, landmarks)
        distances.append(float(np.linalg.norm(difference)))
    return torch.tensor(distances)


def _pairs(frames_a: Tensor, frames_b: Tensor) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Two batches of frames as pairs of (H, W, 3) uint8 images."""
    if frames_a.shape != frames_b.shape or frames_a.ndim != 4:
        raise InputError(
            f"frames of shapes {tuple(frames_a.shape)} and {tuple(frames_b.shape)} cannot be compared; "
            "give two batches (N, 3, H, W) of the same shape"
        )
    both = []
    for frames in (frames_a, frames_b):
        levels = (frames.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
        both.append(levels.movedim(1, -1).cpu().numpy())  # (N, H, W, 3)
    return list(zip(*both, strict=True))


def _enlarge(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """``image`` enlarged by the whole number that brings its shorter side to 256 pixels, and that number."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"face: an image of {image.dtype} {image.shape}, expected uint8 (height, width, 3) RGB")
    height, width = image.shape[:2]
    factor = max(1, math.ceil(_MIN_SIDE_PX / min(height, width)))
    if factor == 1:
        return np.ascontiguousarray(image), 1
    enlarged = Image.fromarray(image).resize((width * factor, height * factor), Image.Resampling.BICUBIC)
    return np.array(enlarged), factor


@functools.cache
def _embedder() -> Any:
    """dlib's face recognition network."""
    dlib = require_extra("dlib", extra="dlib", purpose=_PURPOSE)
    return dlib.face_recognition_model_v1(str(weights_file("dlib_face_recognition_resnet_model_v1.dat")))
