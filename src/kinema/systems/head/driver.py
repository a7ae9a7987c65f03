"""Carries what a driving face does over to a portrait: expression, opening of the mouth, lids, gaze and pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinema.faces.drive import Drive
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

# Lids: the change of opening at which they are shut, what is taken for noise of the score, and the score's change.
_LID_SHUT, _SCORE_NOISE, _SCORE_SHUT = 0.75, 0.05, 0.45
_LEAST_OPENING, _SHUT_EYE = 0.12, 0.4
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
# Scores that lids and gaze stand for.
_EYE_SCORES = ("eyeBlink", "eyeLook")


@dataclass(frozen=True)
class _Start:
    """The driving face in the frame from which motion is counted."""

    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    openings: tuple[float, float]
    rotation: NDArray[np.float64]  # (3, 3), how the head is turned


class _Fit:
    """How the motion of a driving face becomes that of a portrait."""

    def __init__(self, start: _Start, portrait: Portrait) -> None:
        size, self.rotation, _ = similarity(start.points[STABLE], portrait.points[STABLE])
        self.size = float(size)
        # How far a mouth is open can be compared between people: absolute, so that an open first frame does no harm.
        unit = portrait.units[portrait.head.index("jawOpen")]
        gap_of_unit = float(np.linalg.norm((unit[MOUTH_LOWER] - unit[MOUTH_UPPER])[4]))
        wider = (lip_gap(start.points) - lip_gap(portrait.points)) * portrait.length / gap_of_unit
        self.jaw = float(np.clip(wider, -_MOST_JAW, _MOST_JAW))


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
        self._fit: _Fit | None = None
        self.absolute: bool | None = None
        self.lost = self.cuts = 0
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
            self._start, self._fit = self._begin(mesh), None
        self._fit = self._fit or _Fit(self._start, self._portrait)
        self._last = self._follow(mesh, self._start, self._fit, time, image)
        self._weight = min(self._weight + passed / _EASE_SECONDS, 1.0)
        return self._last if self._weight == 1 else _eased(self._last, self._weight)

    def take(self, mesh: FaceMesh) -> HeadMotion:
        """The portrait's motion towards what one picture of a face shows.

        There is no frame before it to count from, so the 52 scores of both faces are compared, and the pose is the
        picture's own.

        Args:
            mesh: the face of the picture.
        """
        portrait, strength = self._portrait, self._drive.expression
        difference = (mesh.scores - portrait.mesh.scores) * strength
        names = portrait.head.names
        weights = np.array(
            [0.0 if name.startswith(_EYE_SCORES) else difference[SCORE_NAMES.index(name)] for name in names]
        )
        lids = [float(np.clip(difference[score] / _SCORE_SHUT, -0.3, 1)) for score in self._blinks]
        gaze = np.mean([self._gaze(mesh.points, portrait.points, eye, lids[eye]) for eye in range(2)], axis=0)
        apart = head_rotation(mesh.points) @ head_rotation(portrait.points).T
        return HeadMotion(
            rotation=bend(vector_rotation(rotation_vector(apart) * self._drive.pose), self._most_turn),
            expression=np.einsum("k,kni->ni", weights, portrait.units),
            lids=(lids[0], lids[1]),
            gaze=gaze * strength,
            jaw=np.einsum("k,kni->ni", weights, portrait.lower_teeth_units),
        )

    def move_to(self, portrait: Portrait) -> None:
        """Goes on with another photo of a face, such as the next frame of a clip."""
        self._portrait, self._fit = portrait, None

    def begin_at(self, mesh: FaceMesh) -> None:
        """Counts motion from a face, where that is not the one of the first frame."""
        self._start, self._fit = self._begin(mesh), None

    def calibrate(self) -> None:
        """Takes the next frame's face for the one from which motion is counted, as the first one was."""
        self._start = None
        # A face that is called neutral is the photo's, however it is turned.
        self.absolute = self._drive.count_from == "absolute"

    def _begin(self, mesh: FaceMesh) -> _Start:
        portrait, points = self._portrait, mesh.points
        rotation = head_rotation(points)
        if self.absolute is None:
            apart = angles_of(rotation @ head_rotation(portrait.points).T)
            turned = min(_turn(angles_of(rotation)), _turn(apart)) > _TURNED_DEGREES
            self.absolute = self._drive.count_from == "absolute" or (self._drive.count_from == "auto" and turned)
        openings = (max(opening(points, 0), _LEAST_OPENING), max(opening(points, 1), _LEAST_OPENING))
        return _Start(points, mesh.scores, openings, rotation)

    def _follow(
        self, mesh: FaceMesh, start: _Start, fit: _Fit, time: float, image: NDArray[np.uint8] | None
    ) -> HeadMotion:
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
        moved = expression @ fit.rotation.T * fit.size
        jaw = moved[list(_JAW_POINTS)].mean(axis=0)
        moved = self._without_eyes(moved)
        unit = portrait.head.index("jawOpen")
        moved = (moved + fit.jaw * portrait.units[unit]) * drive.expression
        if self.absolute:
            rotation = rotation @ start.rotation @ head_rotation(portrait.points).T
        turn = bend(vector_rotation(rotation_vector(rotation) * drive.pose), self._most_turn)
        borrows = drive.borrow_mouth and drive.expression > 0
        return HeadMotion(
            rotation=turn,
            scale=float(scale) ** drive.shift,
            shift=shift * drive.shift,
            expression=moved,
            lids=(min(lids[0] * drive.expression, 1.0), min(lids[1] * drive.expression, 1.0)),
            gaze=gaze * drive.expression,
            jaw=(jaw + fit.jaw * portrait.lower_teeth_units[unit]) * drive.expression,
            mouth=self._inside_of_mouth(mesh, image) if borrows and image is not None else None,
        )

    def _closing(self, mesh: FaceMesh, start: _Start, eye: int) -> float:
        """How far an eye has closed, by the lids' points and by the network's score."""
        change = 1 - opening(mesh.points, eye) / start.openings[eye]
        # As far as the driver's eye in small movements; points never quite meet, so a blink is helped to shut.
        by_lids = change + (1 - _LID_SHUT) * (max(change, 0) / _LID_SHUT) ** 2
        score = self._blinks[eye]
        by_score = max((mesh.scores[score] - start.scores[score] - _SCORE_NOISE) / _SCORE_SHUT, 0)
        closing = max(by_lids, by_score) if by_lids > 0 else by_lids + by_score
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
