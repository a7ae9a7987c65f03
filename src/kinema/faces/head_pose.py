"""How a head is turned, as rotations and as angles, and the similarity that brings points onto others.

Coordinates are those of pictures: x right, y down, z away from the viewer. A rotation R acts on column vectors.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinema.faces.mesh import STABLE, canonical_mesh

# From the canonical mesh's axes (y up, z to the viewer) to those of pictures.
_TO_PICTURE = np.array([1.0, -1.0, -1.0])
# Rotations up to this share of a limit are left as they are.
_FREE_SHARE = 0.6


def similarity(
    a: NDArray[np.float64], b: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """The scale, rotation and shift that bring points onto others best, by (weighted) squared distances.

    Umeyama, Least-squares estimation of transformation parameters between two point patterns, PAMI 1991.

    Args:
        a: (N, 3), N of 3 or more that do not lie in one line.
        b: (N, 3).
        weights: (N,) of 0 or more; all equal where None.

    Returns:
        ``scale``, ``rotation`` (3, 3) with determinant 1, and ``shift`` (3,): b is about
        ``scale * a @ rotation.T + shift``.
    """
    shares = np.full(len(a), 1 / len(a)) if weights is None else weights / weights.sum()
    middle_a, middle_b = shares @ a, shares @ b
    from_a, from_b = a - middle_a, b - middle_b
    left, values, right = np.linalg.svd((from_b * shares[:, None]).T @ from_a)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])  # no mirror image
    rotation = left * signs @ right
    scale = float(values @ signs / (shares @ (from_a**2).sum(axis=1)))
    return scale, rotation, middle_b - scale * rotation @ middle_a


def rotation_of(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> NDArray[np.float64]:
    """The rotation of a head, first by yaw, then pitch, then roll.

    Args:
        yaw: in degrees, + looks to the right of the picture.
        pitch: in degrees, + looks down.
        roll: in degrees, + is clockwise in the picture.

    Returns:
        (3, 3).
    """
    (y, p, r) = np.radians([yaw, pitch, roll])
    by_yaw = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    by_pitch = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    by_roll = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return by_roll @ by_pitch @ by_yaw


def angles_of(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a (3, 3) rotation in degrees: the inverse of :func:`rotation_of`, |pitch| below 90."""
    yaw = math.atan2(rotation[2, 0], rotation[2, 2])
    pitch = math.asin(float(np.clip(rotation[2, 1], -1, 1)))
    roll = math.atan2(-rotation[0, 1], rotation[1, 1])
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def bend(rotation: NDArray[np.float64], limit_degrees: float) -> NDArray[np.float64]:
    """A rotation whose angle comes near a limit, and never passes it; up to 0.6 of the limit it is left as it is.

    Args:
        rotation: (3, 3).
        limit_degrees: more than 0.

    Returns:
        (3, 3) about the same axis.
    """
    axis, angle = _axis_angle(rotation)
    free = _FREE_SHARE * math.radians(limit_degrees)
    if angle <= free:
        return rotation
    rest = math.radians(limit_degrees) - free
    return _rotation_about(axis, free + rest * math.tanh((angle - free) / rest))


def head_rotation(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """How a head is turned, counted from the canonical mesh, which looks straight at the viewer.

    Args:
        points: (478, 3) or (468, 3) of a face in a picture.

    Returns:
        (3, 3). The points' depth is the network's guess: on 256 frames of drawn portraits with known angles (yaw to 18
        degrees, pitch to 12) it gave 0.76 of the yaw and 0.81 of the pitch, no bias above 0.5 degrees, and errors of
        2.6, 2.7 and 0.7 degrees (standard deviation of yaw, pitch and roll).

    Raises:
        MissingExtraError: the extra ``head`` is not installed.
    """
    return similarity(canonical_mesh().points[STABLE] * _TO_PICTURE, points[STABLE])[1]


def _axis_angle(rotation: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Unit axis (3,) and angle in [0, pi], by way of a quaternion: near pi the differences off the diagonal vanish."""
    xx, yy, zz = np.diag(rotation)
    # Rows of 4 q q^T; the largest on the diagonal is the best one to divide by.
    (x, y, z) = rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]
    xy, xz, yz = rotation[0, 1] + rotation[1, 0], rotation[0, 2] + rotation[2, 0], rotation[1, 2] + rotation[2, 1]
    products = np.array(
        [
            [1 + xx + yy + zz, x, y, z],
            [x, 1 + xx - yy - zz, xy, xz],
            [y, xy, 1 - xx + yy - zz, yz],
            [z, xz, yz, 1 - xx - yy + zz],
        ]
    )
    quaternion = products[np.argmax(np.diag(products))]
    quaternion = quaternion / np.linalg.norm(quaternion) * (1 if quaternion[0] >= 0 else -1)
    sine = np.linalg.norm(quaternion[1:])
    axis = quaternion[1:] / sine if sine > 1e-12 else np.array([0.0, 0.0, 1.0])
    return axis, 2 * math.atan2(float(sine), float(quaternion[0]))


def _rotation_about(axis: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Rodrigues' formula."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def rotation_vector(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) axis of a (3, 3) rotation times its angle in radians: what can be scaled, smoothed and interpolated."""
    axis, angle = _axis_angle(rotation)
    return axis * angle


def vector_rotation(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (3, 3) rotation of a vector (3,): the inverse of :func:`rotation_vector`."""
    angle = float(np.linalg.norm(vector))
    return np.eye(3) if angle < 1e-12 else _rotation_about(vector / angle, angle)
