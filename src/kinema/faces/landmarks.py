"""Defines the 68 landmarks of a face (iBUG's order): their names, mirror image, and the face's own coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kinema.core.types import TensorGroup

NUM_LANDMARKS = 68
# "Left" and "right" are as seen in the picture.
OUTER_EYE_CORNERS = (36, 45)
NOSE_BRIDGE = 27
NOSE_TIP = 30
MOUTH = tuple(range(48, 68))
UPPER_INNER_LIP, LOWER_INNER_LIP = 62, 66
# Lines of a drawing; a closed line ends with its first point.
LINES: tuple[tuple[int, ...], ...] = (
    tuple(range(17)),  # jaw
    tuple(range(17, 22)),  # left brow
    tuple(range(22, 27)),  # right brow
    tuple(range(27, 31)),  # bridge of the nose
    tuple(range(31, 36)),  # its base
    (*range(36, 42), 36),  # left eye
    (*range(42, 48), 42),  # right eye
    (*range(48, 60), 48),  # outer lip
    (*range(60, 68), 60),  # inner lip
)
# Points that move together: the affine motion of each group is one candidate for the dense motion.
GROUPS: tuple[tuple[int, ...], ...] = (
    (0, 1, 2, 3, 4, 5),
    (6, 7, 8, 9, 10),
    (11, 12, 13, 14, 15, 16),
    (17, 18, 19, 20, 21),
    (22, 23, 24, 25, 26),
    (27, 28, 29, 30, 31, 32, 33, 34, 35),
    (36, 37, 38, 39, 40, 41),
    (42, 43, 44, 45, 46, 47),
    (48, 49, 59, 60),
    (53, 54, 55, 64),
    (50, 51, 52, 61, 62, 63),
    (56, 57, 58, 65, 66, 67),
)
MIRRORED = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)

# Mean of the neutral faces of data/smiles, in the coordinates of :func:`to_face`. Codes and networks are relative to
# it.
MEAN_FACE: tuple[tuple[float, float], ...] = (
    (-0.78, 0.02),
    (-0.77, 0.25),
    (-0.74, 0.46),
    (-0.71, 0.67),
    (-0.62, 0.90),
    (-0.48, 1.10),
    (-0.34, 1.20),
    (-0.18, 1.25),
    (0.00, 1.29),
    (0.18, 1.25),
    (0.34, 1.20),
    (0.48, 1.10),
    (0.62, 0.90),
    (0.71, 0.67),
    (0.74, 0.46),
    (0.77, 0.25),
    (0.78, 0.02),
    (-0.65, -0.17),
    (-0.55, -0.27),
    (-0.43, -0.31),
    (-0.27, -0.31),
    (-0.13, -0.28),
    (0.13, -0.28),
    (0.27, -0.31),
    (0.43, -0.31),
    (0.55, -0.27),
    (0.65, -0.17),
    (0.00, -0.02),
    (0.00, 0.11),
    (0.00, 0.23),
    (0.00, 0.37),
    (-0.15, 0.55),
    (-0.07, 0.55),
    (0.00, 0.56),
    (0.07, 0.55),
    (0.15, 0.55),
    (-0.50, 0.02),
    (-0.44, -0.03),
    (-0.32, -0.04),
    (-0.21, 0.04),
    (-0.31, 0.06),
    (-0.44, 0.06),
    (0.21, 0.04),
    (0.32, -0.04),
    (0.44, -0.03),
    (0.50, 0.02),
    (0.44, 0.06),
    (0.31, 0.06),
    (-0.29, 0.82),
    (-0.20, 0.74),
    (-0.08, 0.70),
    (0.00, 0.71),
    (0.08, 0.70),
    (0.20, 0.74),
    (0.29, 0.82),
    (0.21, 0.89),
    (0.12, 0.92),
    (0.00, 0.93),
    (-0.12, 0.92),
    (-0.21, 0.89),
    (-0.25, 0.82),
    (-0.11, 0.80),
    (0.00, 0.81),
    (0.11, 0.80),
    (0.25, 0.82),
    (0.12, 0.81),
    (0.00, 0.81),
    (-0.12, 0.81),
)


@dataclass(frozen=True)
class FaceFrame(TensorGroup):
    """The position of a face's own coordinate system in a picture.

    Attributes:
        origin: (..., 2) point (x, y) that is (0, 0) for the face: midway between the bridge of the nose and the middle
            of the outer corners of the eyes.
        axis: (..., 2) vector from the left outer corner to the right one, which is (1, 0) for the face.
    """

    origin: Tensor
    axis: Tensor


def face_frame(landmarks: Tensor) -> FaceFrame:
    """The coordinate system of a face, which follows its position, size and tilt.

    It is based on the outer corners of the eyes and not on their centres, because blinking and smiling move the lids.

    Args:
        landmarks: (..., 68, 2) points (x, y), in any unit.

    Returns:
        Origin and axis, each (..., 2).
    """
    left, right = (landmarks[..., corner, :] for corner in OUTER_EYE_CORNERS)
    origin = 0.25 * (left + right) + 0.5 * landmarks[..., NOSE_BRIDGE, :]
    return FaceFrame(origin, right - left)


def to_face(landmarks: Tensor, frame: FaceFrame) -> Tensor:
    """Converts points of a picture to a face's coordinates, whose unit is the distance of the outer eye corners.

    Args:
        landmarks: (..., N, 2) points (x, y).
        frame: of the faces, with leading axes that broadcast.

    Returns:
        (..., N, 2).

    >>> frame = FaceFrame(torch.tensor([10.0, 10.0]), torch.tensor([0.0, 20.0]))
    >>> to_face(torch.tensor([[10.0, 30.0]]), frame).tolist()
    [[1.0, 0.0]]
    """
    x, y = (landmarks - frame.origin[..., None, :]).unbind(dim=-1)
    along, across = frame.axis[..., None, :].unbind(dim=-1)
    squared = along.square() + across.square()
    return torch.stack([(x * along + y * across) / squared, (y * along - x * across) / squared], dim=-1)


def from_face(points: Tensor, frame: FaceFrame) -> Tensor:
    """The inverse of :func:`to_face`: (..., N, 2) in a face's coordinates to (..., N, 2) of the picture."""
    x, y = points.unbind(dim=-1)
    along, across = frame.axis[..., None, :].unbind(dim=-1)
    turned = torch.stack([x * along - y * across, y * along + x * across], dim=-1)
    return turned + frame.origin[..., None, :]


def mirror_landmarks(landmarks: Tensor, axis: float = 0.0) -> Tensor:
    """The landmarks of the mirrored face.

    Args:
        landmarks: (..., 68, 2) points (x, y).
        axis: x of the mirror axis.

    Returns:
        (..., 68, 2).
    """
    swapped = landmarks[..., list(MIRRORED), :]
    x, y = swapped.unbind(dim=-1)
    return torch.stack([2 * axis - x, y], dim=-1)
