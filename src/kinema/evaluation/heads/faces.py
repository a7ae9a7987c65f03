"""Frames as they should be and as they were drawn -> how far the faces in them differ, by dlib (extra ``dlib``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kinema.evaluation.request import REPEAT
from kinema.evaluation.summary import mean_of_known
from kinema.metrics.dlib_faces import detect_landmarks
from kinema.metrics.face import face_embedding
from kinema.metrics.face_motion import PERCENT, correlation, eye_distance, lid_opening, mouth_opening, trembling

TRUTH = "truth"
# An embedding takes six times as long as finding the landmarks.
IDENTITY_STRIDE = 5

_Image = NDArray[np.uint8]


class ClipFaces:
    """What dlib sees in the frames of one clip.

    Attributes:
        embedding: (128,) of the person in the photo; None where no face is found in it.
    """

    def __init__(self, photo: _Image) -> None:
        """Takes the photo uint8 (H, W, 3), which stands beside what is drawn."""
        self._photo, self._photo_landmarks = photo, _landmarks(photo)
        seen = not np.isnan(self._photo_landmarks).any()
        self.embedding = face_embedding(photo, self._photo_landmarks) if seen else None
        self._true: list[NDArray[np.float64]] = []
        self._made: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        self._identity: dict[str, list[float]] = defaultdict(list)

    def look(self, true: _Image, made: Mapping[str, _Image]) -> None:
        """Takes one frame, uint8 (H, W, 3), as it should be and as each model drew it."""
        number, seen = len(self._true), _landmarks(true)
        self._true.append(seen)
        for who, image in made.items():
            self._made[who].append(_landmarks(image))
        if number % IDENTITY_STRIDE == 0 and not np.isnan(seen).any():
            person = face_embedding(true, seen)
            for who, image in {**made, REPEAT: self._photo}.items():
                self._identity[who].append(float(np.linalg.norm(person - face_embedding(image, seen))))

    def figures(self) -> dict[str, dict[str, float | None]]:
        """Means over the clip, for each model, the repeated photo and the truth."""
        true = np.stack(self._true)
        made = {who: np.stack(points) for who, points in self._made.items()}
        made[REPEAT] = np.broadcast_to(self._photo_landmarks, true.shape)
        figures = {}
        for who, points in made.items():
            values = _compare(points, true) | {"identity": np.array(self._identity[who])}
            if who != REPEAT:  # what stands still does not tremble
                values["jitter"] = trembling(points)
            figures[who] = {name: mean_of_known(value) for name, value in values.items()}
        return figures | {TRUTH: {"jitter": mean_of_known(trembling(true))}}


def _compare(made: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Of landmarks (T, 68, 2), one value a frame or one a clip for each metric."""
    distance = np.linalg.norm(made - true, axis=-1).mean(axis=-1)
    there, found = (np.isfinite(points[:, 0, 0]) for points in (true, made))
    values = {
        "landmark_distance": distance,
        "landmark_percent": PERCENT * distance / eye_distance(true),
        "faces_found": found[there].astype(np.float64),
    }
    for name, opening in (("mouth", mouth_opening), ("lid", lid_opening)):
        values[f"{name}_error"] = np.abs(opening(made) - opening(true))
        values[f"{name}_correlation"] = np.array([correlation(opening(made), opening(true))])
    return values


def _landmarks(image: _Image) -> NDArray[np.float64]:
    """(68, 2) of the largest face; NaN where none is found."""
    found = detect_landmarks(image)
    return np.full((68, 2), np.nan) if found is None else found
