"""What a face does over time: the 68 landmarks of a clip's frames in, openings and trembling out.

Frames without a face are NaN in every coordinate, and what depends on them is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinema.faces.landmarks import LOWER_INNER_LIP, NOSE_BRIDGE, OUTER_EYE_CORNERS, UPPER_INNER_LIP

PERCENT = 100.0
_CHIN = 8
# Of an eye: its corners, then two pairs of opposite points of the lids.
_EYES = ((36, 39, 37, 41, 38, 40), (42, 45, 43, 47, 44, 46))
# A clip in which an opening changes less than this, in its own unit, has no course to correlate with.
_STILL = 1e-3


def eye_distance(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of the outer corners of the eyes: (..., 68, 2) to (...), in the unit of the points."""
    left, right = OUTER_EYE_CORNERS
    return _distance(landmarks, left, right)


def mouth_opening(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gap of the inner lips' middles over the height of the face, from the bridge of the nose to the chin.

    Args:
        landmarks: (..., 68, 2) points (x, y).

    Returns:
        (...), about 0 shut, 0.3 wide open.
    """
    return _distance(landmarks, UPPER_INNER_LIP, LOWER_INNER_LIP) / _distance(landmarks, NOSE_BRIDGE, _CHIN)


def lid_opening(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eye aspect ratio (Soukupova and Cech, Real-time eye blink detection using facial landmarks, 2016), mean of both.

    Args:
        landmarks: (..., 68, 2) points (x, y).

    Returns:
        (...): mean gap of the lids over the width of the eye, about 0.3 open, 0.1 shut.
    """
    ratios = []
    for outer, inner, above, below, above_too, below_too in _EYES:
        gaps = _distance(landmarks, above, below) + _distance(landmarks, above_too, below_too)
        ratios.append(gaps / (2 * _distance(landmarks, outer, inner)))
    return (ratios[0] + ratios[1]) / 2


def trembling(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Change of velocity between neighbouring frames, which a detector's noise raises as well as the face's own.

    Args:
        landmarks: (T, 68, 2) points (x, y) in pixels.

    Returns:
        (T - 2,) mean length over the points of the second difference over time, in % of the clip's mean eye distance;
        nothing of fewer than three frames.
    """
    if len(landmarks) < 3 or np.isnan(landmarks).all():
        return np.zeros(0)
    scale = np.nanmean(eye_distance(landmarks))
    return PERCENT * np.linalg.norm(np.diff(landmarks, n=2, axis=0), axis=-1).mean(axis=-1) / scale


def correlation(made: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Pearson's correlation of two courses (T,) where both are known; NaN where either stands still."""
    known = ~(np.isnan(made) | np.isnan(true))
    made, true = made[known], true[known]
    if len(made) < 3 or min(made.std(), true.std()) < _STILL:
        return float("nan")
    return float(np.corrcoef(made, true)[0, 1])


def _distance(landmarks: NDArray[np.float64], one: int, other: int) -> NDArray[np.float64]:
    return np.linalg.norm(landmarks[..., one, :] - landmarks[..., other, :], axis=-1)
