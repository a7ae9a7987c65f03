"""Landmarks -> a drawing of them: what networks see of a face's pose."""

from __future__ import annotations

from torch import Tensor

from kinema.faces.landmarks import LINES
from kinema.ops.grid import identity_grid

# Where a face in its own coordinates lies in a square drawing: centre and half side, in eye distances. Chins of dropped
# jaws, about 1.3 below the eyes, are inside.
FACE_CENTRE, FACE_REACH = (0.0, 0.35), 1.1


def draw_landmarks(landmarks: Tensor, size: tuple[int, int], *, binary: bool = False) -> Tensor:
    """White lines of a pixel's width on black through the landmarks, as ``LINES`` joins them.

    Args:
        landmarks: (B, 68, 2) points (x, y) in [-1, 1].
        size: (height, width) of the drawing.
        binary: pixels are 0 or 1; otherwise lines have soft edges and follow their points by fractions of a pixel.

    Returns:
        (B, 1, height, width) in [0, 1].
    """
    starts = [index for line in LINES for index in line[:-1]]
    ends = [index for line in LINES for index in line[1:]]
    to_pixels = landmarks.new_tensor([(size[1] - 1) / 2, (size[0] - 1) / 2])
    points = landmarks * to_pixels
    grid = (identity_grid(size, device=landmarks.device, dtype=landmarks.dtype) * to_pixels).flatten(0, 1)  # (H W, 2)
    origin, along = points[:, starts], points[:, ends] - points[:, starts]  # (B, L, 2)
    # Distances by their squares, written out: a (B, L, H W, 2) tensor would take most of the time.
    offset_x = grid[:, 0] - origin[..., :1]  # (B, L, H W)
    offset_y = grid[:, 1] - origin[..., 1:]
    along_x, along_y = along[..., :1], along[..., 1:]
    length = (along_x.square() + along_y.square()).clamp_min(1e-6)
    share = ((offset_x * along_x + offset_y * along_y) / length).clamp(0, 1)
    squared = (offset_x - share * along_x).square() + (offset_y - share * along_y).square()
    distance = squared.amin(dim=1).clamp_min(1e-12).sqrt().unflatten(1, size)[:, None]  # (B, 1, H, W)
    return (distance <= 0.5).to(landmarks) if binary else (1.25 - distance).clamp(0, 1)


def face_to_drawing(landmarks: Tensor) -> Tensor:
    """Points of a face's own coordinates (..., N, 2) as points in [-1, 1] of a square drawing, (..., N, 2)."""
    return (landmarks - landmarks.new_tensor(FACE_CENTRE)) / FACE_REACH
