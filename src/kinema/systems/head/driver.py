"""Carries what a driving face does over to a portrait: expression, opening of the mouth, lids, gaze and pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinema.faces.head_pose import angles_of, bend, head_rotation, rotation_vector, similarity, vector_rotation
from kinema.faces.mesh import (
    EYES,
    IRISES,
    MOUTH,
    MOUTH_LOWER,
    MOUTH_UPPER,
    SCORE_NAMES,
    STABLE,
    FaceMesh,
    lip_gap,
    opening,
)
from kinema.faces.mesh import gaze as gaze_of
from kinema.ops.one_euro import OneEuroFilter
from kinema.systems.head.lids_and_lips import BLINK_UNITS, CHIN, FOREHEAD
from kinema.systems.head.motion import DrivenMouth, HeadMotion
from kinema.systems.head.portrait import Portrait, mean_colour

# Lids: what is taken for noise, and the change of opening or score at which they are shut.
_LID_NOISE, _LID_SHUT, _SCORE_SHUT = 0.05, 0.70, 0.45
_LEAST_OPENING, _SQUINTING, _SHUT_EYE = 0.12, 0.4, 0.4
_MOST_GAZE = 0.25
_MOST_JAW = 0.6
_GAIN = (0.4, 2.2)
# A first frame that is turned further than this, and from the photo too, is no pose to count from.
_TURNED_DEGREES = 10.0
# Seconds in which a portrait comes to rest when the driver is lost, and goes along again when they are back.
_EASE_SECONDS = 0.4
# In face lengths and ratios between two frames: more is a cut, not a movement.
_JUMP, _ZOOM = 0.6, 1.35
# Of the jaw: points whose movement the lower teeth share.
_JAW_POINTS = (152, 148, 377, 17)

Pose = Literal["auto", "relative", "absolute"]


@dataclass(frozen=True)
class Drive:
    """How a driving face is followed.

    Attributes:
        expression: strength of what the face shows, 1 is the driver's own.
        pose: strength of the head's turns.
        shift: strength of the head's movement across the picture, and to and from the camera.
        count_from: "relative" adds the driver's turns since the first frame to the photo's pose, "absolute" takes the
            driver's own, "auto" takes the latter where the first frame is turned by more than 10 degrees.
        smooth: take out the tracker's trembling.
        borrow_mouth: show the inside of the driver's mouth; otherwise teeth are painted.
    """

    expression: float = 1.0
    pose: float = 1.0
    shift: float = 1.0
    count_from: Pose = "auto"
    smooth: bool = True
    borrow_mouth: bool = True


@dataclass(frozen=True)
class _Start:
    """What is computed once, at the frame from which motion is counted."""

    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    to_portrait: NDArray[np.float64]  # (3, 3) rotation
    size: float
    jaw: float
    openings: tuple[float, float]
    rotation: NDArray[np.float64]


class Driver:
    """Follows one driving face with one portrait, frame by frame; keeps nothing that grows.

    Attributes:
        absolute: whether the portrait takes the driver's own pose; None before the first face.
        lost: frames without a face so far.
        cuts: jumps so far that were taken for cuts.
    """

    def __init__(self, portrait: Portrait, drive: Drive | None = None, *, most_turn: float = 30.0) -> None:
        """Takes the portrait, how to follow, and the degrees that turns are bent towards."""
        self._portrait, self._drive, self._most_turn = portrait, drive or Drive(), most_turn
        self._start: _Start | None = None
        self._last: HeadMotion | None = None
        self._before: FaceMesh | None = None
        self._weight, self._time = 1.0, None
        self.absolute: bool | None = None
        self.lost = self.cuts = 0
        jaw_open = portrait.units[portrait.head.index("jawOpen")]
        self._jaw_unit = jaw_open
        self._jaw_gap = float(np.linalg.norm((jaw_open[MOUTH_LOWER] - jaw_open[MOUTH_UPPER])[4]))
        self._blinks = [SCORE_NAMES.index(name) for name in BLINK_UNITS]
        # Hz at rest, and Hz for each face length (or radian) a second: noise of a still face goes, speech stays.
        self._smooth_points = OneEuroFilter(least_cutoff=4.0, rise=400.0)
        self._smooth_pose = OneEuroFilter(least_cutoff=2.5, rise=60.0)

    def step(self, mesh: FaceMesh | None, time: float, image: NDArray[np.uint8] | None = None) -> HeadMotion:
        """The portrait's motion at a frame.

        Args:
            mesh: the driving face in it; None where there is none, and the portrait comes to rest.
            time: of the frame in seconds.
            image: the frame, uint8 (H, W, 3), to borrow the inside of the mouth from.
        """
        passed = 0.0 if self._time is None else max(time - self._time, 0.0)
        self._time = time
        if mesh is None:
            self.lost += 1
            self._before = None
            self._weight = max(self._weight - passed / _EASE_SECONDS, 0.0)
            return _eased(self._last, self._weight)
        if self._before is not None and _jumped(self._before.points, mesh.points):
            self.cuts += 1
            self._start, self._weight = None, 0.0
        self._before = mesh
        if self._start is None:
            self._smooth_points.reset()
            self._smooth_pose.reset()
            self._start = self._begin(mesh)
        self._last = self._follow(mesh, self._start, time, image)
        self._weight = min(self._weight + passed / _EASE_SECONDS, 1.0)
        return self._last if self._weight == 1 else _eased(self._last, self._weight)

    def calibrate(self) -> None:
        """Takes the next frame's face for the one from which motion is counted, as the first one was."""
        self._start = None
        # A face that is called neutral is the photo's, however it is turned.
        self.absolute = self._drive.count_from == "absolute"

    def _begin(self, mesh: FaceMesh) -> _Start:
        portrait, points = self._portrait, mesh.points
        size, to_portrait, _ = similarity(points[STABLE], portrait.points[STABLE])
        # How far a mouth is open can be compared between people: absolute, so that an open first frame does no harm.
        jaw = (lip_gap(points) - lip_gap(portrait.points)) * portrait.length / self._jaw_gap
        rotation = head_rotation(points)
        if self.absolute is None:
            apart = angles_of(rotation @ head_rotation(portrait.points).T)
            turned = min(_turn(angles_of(rotation)), _turn(apart)) > _TURNED_DEGREES
            self.absolute = self._drive.count_from == "absolute" or (self._drive.count_from == "auto" and turned)
        openings = (max(opening(points, 0), _LEAST_OPENING), max(opening(points, 1), _LEAST_OPENING))
        jaw = float(np.clip(jaw, -_MOST_JAW, _MOST_JAW))
        return _Start(points, mesh.scores, to_portrait, float(size), jaw, openings, rotation)

    def _follow(self, mesh: FaceMesh, start: _Start, time: float, image: NDArray[np.uint8] | None) -> HeadMotion:
        portrait, drive = self._portrait, self._drive
        scale, rotation, offset = similarity(start.points[STABLE], mesh.points[STABLE])
        expression = ((mesh.points - offset) @ rotation) / scale - start.points  # in the driver's first pose
        rest = start.points[STABLE].mean(axis=0)
        lengths = portrait.length / np.linalg.norm(start.points[FOREHEAD] - start.points[CHIN])
        shift = (scale * rotation @ rest + offset - rest)[:2] * lengths
        if drive.smooth:
            pose = np.concatenate([rotation_vector(rotation), [np.log(scale)], shift / portrait.length])
            pose = self._smooth_pose(pose, time)
            rotation, scale, shift = vector_rotation(pose[:3]), np.exp(pose[3]), pose[4:] * portrait.length
            unit = np.linalg.norm(start.points[FOREHEAD] - start.points[CHIN])
            expression = self._smooth_points(expression / unit, time) * unit
        lids = tuple(self._closing(mesh, start, eye) for eye in range(2))
        gaze = np.mean([self._gaze(mesh.points, start.points, eye, lids[eye]) for eye in range(2)], axis=0)
        moved = expression @ start.to_portrait.T * start.size
        jaw = moved[list(_JAW_POINTS)].mean(axis=0)
        moved = self._without_eyes(moved)
        unit = portrait.head.index("jawOpen")
        moved = (moved + start.jaw * self._jaw_unit) * drive.expression
        if self.absolute:
            rotation = rotation @ start.rotation @ head_rotation(portrait.points).T
        turn = bend(vector_rotation(rotation_vector(rotation) * drive.pose), self._most_turn)
        return HeadMotion(
            rotation=turn,
            scale=float(scale) ** drive.shift,
            shift=shift * drive.shift,
            expression=moved,
            lids=(lids[0], lids[1]),
            gaze=gaze * drive.expression,
            jaw=jaw * drive.expression + start.jaw * portrait.lower_teeth_units[unit],
            mouth=self._inside_of_mouth(mesh, image) if drive.borrow_mouth and image is not None else None,
        )

    def _closing(self, mesh: FaceMesh, start: _Start, eye: int) -> float:
        """How far an eye has closed, by the lids' points and by the network's score."""
        by_lids = (1 - opening(mesh.points, eye) / start.openings[eye] - _LID_NOISE) / _LID_SHUT
        score = self._blinks[eye]
        by_score = (mesh.scores[score] - start.scores[score] - _LID_NOISE) / _SCORE_SHUT
        closing = max(by_lids, by_score) if by_lids > -_LID_NOISE else by_lids
        return float(np.clip(closing, -0.3, 1))

    def _gaze(
        self, points: NDArray[np.float64], rest: NDArray[np.float64], eye: int, closing: float
    ) -> NDArray[np.float64]:
        if closing > _SHUT_EYE:
            return np.zeros(2)
        ring, own = EYES[eye], self._portrait.points
        width = np.linalg.norm(own[ring[0], :2] - own[ring[8], :2])
        return np.clip(gaze_of(points, eye) - gaze_of(rest, eye), -_MOST_GAZE, _MOST_GAZE) * width

    def _without_eyes(self, expression: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lids and irises move by ``lids`` and ``gaze``; of the expression they take what the eye's corners do."""
        expression = expression.copy()
        for ring, iris in zip(EYES, IRISES, strict=True):
            expression[ring] = expression[ring[[0, 8]]].mean(axis=0)
            expression[iris] = 0
        return expression

    def _inside_of_mouth(self, mesh: FaceMesh, image: NDArray[np.uint8]) -> DrivenMouth | None:
        height, width = image.shape[:2]
        ring = mesh.points[MOUTH, :2]
        low = np.clip(np.floor(ring.min(axis=0)).astype(int) - 3, 0, (width, height))
        high = np.clip(np.ceil(ring.max(axis=0)).astype(int) + 4, 0, (width, height))
        if (high - low).min() < 2:
            return None
        gain = np.clip(self._portrait.skin / np.maximum(mean_colour(image, mesh.points), 8), *_GAIN)
        return DrivenMouth(image[low[1] : high[1], low[0] : high[0]], ring - low, gain)


def _turn(angles: tuple[float, float, float]) -> float:
    """The larger of yaw and pitch, in degrees."""
    return max(abs(angles[0]), abs(angles[1]))


def _jumped(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether two neighbouring frames show heads too far apart for a movement."""
    lengths = [float(np.linalg.norm(points[FOREHEAD] - points[CHIN])) for points in (before, after)]
    moved = float(np.linalg.norm(before[STABLE].mean(axis=0)[:2] - after[STABLE].mean(axis=0)[:2]))
    return moved > _JUMP * max(lengths) or max(lengths) > _ZOOM * min(lengths)


def _eased(motion: HeadMotion | None, weight: float) -> HeadMotion:
    """A motion on its way to or from rest: weight 1 is all of it, 0 none."""
    if motion is None or weight <= 0:
        return HeadMotion()
    smooth = weight * weight * (3 - 2 * weight)
    return HeadMotion(
        rotation=vector_rotation(rotation_vector(motion.rotation) * smooth),
        scale=motion.scale**smooth,
        shift=motion.shift * smooth,
        expression=None if motion.expression is None else motion.expression * smooth,
        lids=(motion.lids[0] * smooth, motion.lids[1] * smooth),
        gaze=motion.gaze * smooth,
        jaw=motion.jaw * smooth,
        mouth=motion.mouth,
    )
