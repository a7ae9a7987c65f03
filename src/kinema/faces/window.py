"""Cuts the upright window around a face that networks were trained on, and maps points to it and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.faces.landmarks import FaceFrame, face_frame, from_face, to_face
from kinema.ops.grid import identity_grid
from kinema.ops.warp import sample_points

# Means over the first frames of the training clips of data/smiles, as fractions of the frame: the origin of the face's
# own coordinates, and the distance of its outer eye corners (by the width).
ORIGIN = (0.503, 0.363)
EYES = 0.408


@dataclass(frozen=True)
class FaceWindow:
    """A window of a picture in which the face is upright and as large as in the training clips.

    Attributes:
        face: the face's own coordinate system in the picture, origin (2,) and axis (2,) in pixels.
        size: (height, width) of the frame.
    """

    face: FaceFrame
    size: tuple[int, int]

    @classmethod
    def about(cls, landmarks: Tensor, size: tuple[int, int]) -> FaceWindow:
        """The window around (68, 2) landmarks in pixels of a picture, 0 the centre of the first pixel."""
        return cls(face_frame(landmarks), size)

    @property
    def scale(self) -> float:
        """Pixels of the picture per pixel of the frame."""
        return float(self.face.axis.norm()) / (EYES * self.size[1])

    def to_frame(self, points: Tensor) -> Tensor:
        """Converts points (..., N, 2) from pixels of the picture to pixels of the frame."""
        origin, unit = self._own(points)
        return to_face(points, self.face) * unit + origin

    def to_picture(self, points: Tensor) -> Tensor:
        """Converts points (..., N, 2) from pixels of the frame to pixels of the picture."""
        origin, unit = self._own(points)
        return from_face((points - origin) / unit, self.face)

    def cut(self, picture: np.ndarray) -> Tensor:
        """Cuts the window out of a uint8 (H, W, 3) picture: (1, 3, height, width) in [0, 1].

        Outside the picture its edge is repeated. Each pixel is the mean of the area that it covers.
        """
        height, width = self.size
        finer = max(1, math.ceil(self.scale))
        x = (torch.arange(width * finer) + 0.5) / finer - 0.5
        y = (torch.arange(height * finer) + 0.5) / finer - 0.5
        grid = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], dim=-1)
        left, top, pixels = _part(picture, self.to_picture(_corners(self.size)))
        sampled = sample_points(pixels, self.to_picture(grid) - torch.tensor([left, top]))
        return F.avg_pool2d(sampled, finer)

    def cut_image(self, picture: np.ndarray) -> np.ndarray:
        """Does the same, but returns a uint8 (height, width, 3) picture."""
        return self.cut(picture)[0].mul(255).round_().to(torch.uint8).movedim(0, -1).contiguous().numpy()

    @property
    def numbers(self) -> list[float]:
        """The numbers of origin and axis, which define a window of a given size."""
        return [*self.face.origin.tolist(), *self.face.axis.tolist()]

    def region(self, picture: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of a (height, width) picture that the window covers; empty if it lies outside."""
        corners = self.to_picture(_corners(self.size))
        low, high = corners.amin(dim=0).floor().int().tolist(), corners.amax(dim=0).ceil().int().tolist()
        columns, rows = (
            slice(min(max(begin, 0), side), min(max(end + 1, 0), side))
            for begin, end, side in zip(low, high, (picture[1], picture[0]), strict=True)
        )
        return rows, columns

    def _own(self, points: Tensor) -> tuple[Tensor, float]:
        """Origin and unit of the face's own coordinates, in pixels of the frame."""
        height, width = self.size
        return points.new_tensor([ORIGIN[0] * width - 0.5, ORIGIN[1] * height - 0.5]), EYES * width


def _corners(size: tuple[int, int]) -> Tensor:
    """The (4, 2) outer corners of a frame, in pixels."""
    height, width = size
    return (identity_grid((2, 2)).flatten(0, 1) + 1) / 2 * torch.tensor([width, height]) - 0.5


def _part(picture: np.ndarray, corners: Tensor) -> tuple[int, int, Tensor]:
    """The part of a picture around a window: left, top, and pixels (1, 3, h, w) in [0, 1]."""
    height, width = picture.shape[:2]
    low, high = corners.amin(dim=0).floor().int().tolist(), corners.amax(dim=0).ceil().int().tolist()
    left, top = (min(max(begin - 2, 0), side - 1) for begin, side in zip(low, (width, height), strict=True))
    right, bottom = (
        max(min(end + 3, side), begin + 1) for end, side, begin in zip(high, (width, height), (left, top), strict=True)
    )
    pixels = torch.from_numpy(np.array(picture[top:bottom, left:right])).movedim(-1, 0)
    return left, top, pixels[None].float().div_(255)
