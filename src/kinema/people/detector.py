"""Detects the people in a picture, each with the 18 joints of ``kinema.people.skeleton`` and a mask.

Uses BlazePose (Bazarevsky et al., CVPR workshop 2020): MediaPipe's person detector and "full" landmark network, run by
LiteRT. Pre- and post-processing are our own, after the graphs in MediaPipe's repository. Needs the extra ``pose``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from kinema.blocks.box_decoder import decode, join_overlapping
from kinema.blocks.litert import load_network, read_member, run_network, sigmoid, weights_file
from kinema.core.checks import InputError, require_extra
from kinema.core.types import Joints
from kinema.framing.turned_square import TurnedSquare
from kinema.ops.warp import warp
from kinema.people.skeleton import JOINTS

_PURPOSE = "finding body poses"
_WEIGHTS_FILE = "pose_landmarker_full.task"  # a zip of the two networks

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
# Below both, a find is more often a drawing, an animal or a hand than a person. In one emoji of six (data/emoji) 77
# finds were accepted: 57 are below, with all 21 that show no person (scores to 0.72, clarity to 0.54). Of 171 accepted
# finds of rendered and filmed people (data/people, asl-gestures, talkers) 2 are below: called doubtful, not refused.
_CLEAR_SCORE, _CLEAR_JOINTS = 0.75, 0.55

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
        clarity: mean over the joints of how clearly their heatmaps show them, in [0, 1].
    """

    joints: Joints
    visibility: NDArray[np.float32]
    score: float
    mask: NDArray[np.float32] | None
    clarity: float = 1.0

    @property
    def is_doubtful(self) -> bool:
        """Whether drawings, animals and hands look so to the networks more often than people do."""
        return self.score < _CLEAR_SCORE and self.clarity < _CLEAR_JOINTS


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
        interpreter = require_extra("ai_edge_litert.interpreter", extra="pose", purpose=_PURPOSE)
        task = weights_file(_WEIGHTS_FILE, extra="pose", purpose=_PURPOSE)
        self._detector = load_network(interpreter, read_member(task, "pose_detector.tflite"))
        self._landmarks = load_network(interpreter, read_member(task, "pose_landmarks_detector.tflite"))

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

    def _find(self, picture: Image.Image) -> list[tuple[float, TurnedSquare]]:
        """Scores and regions of people."""
        longest = max(picture.size)
        scale = _DETECTOR_PX / longest
        inner = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        left, top = ((_DETECTOR_PX - side) // 2 for side in inner)
        letterbox = Image.new("RGB", (_DETECTOR_PX, _DETECTOR_PX))
        letterbox.paste(picture.resize(inner, Image.Resampling.BILINEAR), (left, top))
        values, logits = run_network(self._detector, np.asarray(letterbox, dtype=np.float32) / 127.5 - 1)
        found = []
        candidates = decode(values[0], logits[0, :, 0], side=_DETECTOR_PX, strides=_STRIDES, least_score=_MIN_SCORE)
        for body in join_overlapping(candidates, least_iou=_SAME_PERSON_IOU):
            points = (body.points * _DETECTOR_PX - [left, top]) / inner * picture.size
            found.append((float(body.score), _region(points[0], points[1])))
        return found

    def _look(self, picture: Image.Image, region: TurnedSquare, score: float) -> FoundPerson | None:
        """The person of a region, if there is one."""
        points, visibility, outline, clarity = self._landmarks_in(picture, region)
        if outline is None:
            return None
        points, seen = _to_joints(points, visibility)
        inside = ((points >= -0.5) & (points <= np.array(picture.size) - 0.5)).all(axis=1)
        joints = Joints(
            torch.from_numpy(points.astype(np.float32))[None],
            torch.from_numpy(inside & (seen >= self.visibility))[None],
        )
        return FoundPerson(joints, seen.astype(np.float32), score, _paste_mask(outline, region, picture.size), clarity)

    def _guess(self, picture: Image.Image) -> FoundPerson | None:
        """The person who fills the picture: a first pass over all of it finds the region for a second one."""
        width, height = picture.size
        whole = TurnedSquare((width / 2, height / 2), max(width, height) * _ROI_SCALE, 0.0)
        points, _, outline, _ = self._landmarks_in(picture, whole)
        if outline is None:
            return None
        hips, circle = points[list(_ALIGNMENT)] + 0.5
        return self._look(picture, _region(hips, circle), 0.0) or self._look(picture, whole, 0.0)

    def _landmarks_in(
        self, picture: Image.Image, region: TurnedSquare
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32] | None, float]:
        """(39, 2) points in pixels, (39,) visibilities, an outline, None where nobody is, and the joints' clarity."""
        values, pose, outline, heatmaps = run_network(self._landmarks, _cut(picture, region))[:_USED_OUTPUTS]
        landmarks = values.reshape(_NUM_LANDMARKS, _LANDMARK_VALUES).astype(np.float64)
        in_square = _refine(landmarks[:, :2] / _LANDMARKS_PX, heatmaps[0])
        is_there = float(pose.item()) >= _MIN_POSE
        points = region.to_picture(in_square) - 0.5
        peaks = sigmoid(heatmaps[0].max(axis=(0, 1)).astype(np.float64))[list(_LANDMARK_OF.values())]
        return points, sigmoid(landmarks[:, 3]), outline[0, ..., 0] if is_there else None, float(peaks.mean())


def _region(hips: NDArray[np.float64], circle: NDArray[np.float64]) -> TurnedSquare:
    """The square around a body, from the centre of its hips and a point above it on the circle around it all."""
    x, y = circle - hips
    return TurnedSquare((float(hips[0]), float(hips[1])), 2 * math.hypot(x, y) * _ROI_SCALE, math.atan2(x, -y))


def _cut(picture: Image.Image, region: TurnedSquare) -> NDArray[np.float32]:
    """(256, 256, 3) in [0, 1], upright; what lies outside the picture repeats its border."""
    shrink = max(1, int(region.side / _LANDMARKS_PX))  # sampled at single points, a large picture would alias
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
        window = sigmoid(heatmaps[top : y + reach + 1, left : x + reach + 1, index].astype(np.float64))
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


def _paste_mask(outline: NDArray[np.float32], region: TurnedSquare, size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: the network's outline where the region lies in the picture, 0 elsewhere."""
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
    shares = torch.from_numpy(sigmoid(outline))[None, None]
    mask[top:bottom, left:right] = warp(shares, grid, align_corners=False)[0, 0].numpy()
    return mask
