"""Draws landmarks as a map, by which networks see the pose of a face."""

from __future__ import annotations

from torch import Tensor

from kinema.faces.landmarks import LINES
from kinema.ops.grid import identity_grid

# Centre and half side of a square drawing in the face's own coordinates, whose unit is the eye distance. The chin of an
# open mouth, about 1.3 below the eyes, is inside.
FACE_CENTRE, FACE_REACH = (0.0, 0.35), 1.1


def draw_landmarks(landmarks: Tensor, size: tuple[int, int], *, binary: bool = False) -> Tensor:
    """Draws the lines of ``LINES`` through the landmarks, white on black, one pixel wide.

    Args:
        landmarks: (B, 68, 2) points (x, y) in [-1, 1].
        size: (height, width) of the drawing.
        binary: pixels are 0 or 1; otherwise lines are antialiased and follow their points by fractions of a pixel.

    Returns:
        (B, 1, height, width) in [0, 1].
    """
    starts = [index for line in LINES for index in line[:-1]]
    ends = [index for line in LINES for index in line[1:]]
    to_pixels = landmarks.new_tensor([(size[1] - 1) / 2, (size[0] - 1) / 2])
    points = landmarks * to_pixels
    grid = (identity_grid(size, device=landmarks.device, dtype=landmarks.dtype) * to_pixels).flatten(0, 1)  # (H W, 2)
    origin, along = points[:, starts], points[:, ends] - points[:, starts]  # (B, L, 2)
    # Squared distances are computed axis by axis: a (B, L, H W, 2) tensor would take most of the time.
    offset_x = grid[:, 0] - origin[..., :1]  # (B, L, H W)
    offset_y = grid[:, 1] - origin[..., 1:]
    along_x, along_y = along[..., :1], along[..., 1:]
    length = (along_x.square() + along_y.square()).clamp_min(1e-6)
    position = ((offset_x * along_x + offset_y * along_y) / length).clamp(0, 1)
    squared = (offset_x - position * along_x).square() + (offset_y - position * along_y).square()
    distance = squared.amin(dim=1).clamp_min(1e-12).sqrt().unflatten(1, size)[:, None]  # (B, 1, H, W)
    return (distance <= 0.5).to(landmarks) if binary else (1.25 - distance).clamp(0, 1)


def face_to_drawing(landmarks: Tensor) -> Tensor:
    """Converts points (..., N, 2) from a face's own coordinates to [-1, 1] of a square drawing, (..., N, 2)."""
    return (landmarks - landmarks.new_tensor(FACE_CENTRE)) / FACE_REACH
