"""A square of a picture, turned: what a network of one size sees of a picture of any size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TurnedSquare:
    """A turned square of a picture; coordinates have 0 at the outer edge of the first pixel.

    Attributes:
        centre: x, y.
        side: in pixels.
        angle: by which what it shows is turned clockwise from upright, in radians.
    """

    centre: tuple[float, float]
    side: float
    angle: float

    def to_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) points in [0, 1] of the square to coordinates of the picture."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return (points - 0.5) * self.side @ np.array([[cos, sin], [-sin, cos]]) + self.centre

    def from_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of :meth:`to_picture`."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return (points - self.centre) @ np.array([[cos, -sin], [sin, cos]]) / self.side + 0.5

    def pixel_map(self, size: int) -> NDArray[np.float64]:
        """The affine map from pixels of a ``size`` x ``size`` copy of the square to those of the picture.

        Returns:
            (2, 3), for column vectors (x, y, 1); here 0 is the centre of the first pixel, on both sides.
        """
        ticks = (np.array([[0.0, 0.0], [1, 0], [0, 1]]) + 0.5) / size
        origin, right, down = self.to_picture(ticks) - 0.5
        return np.stack([right - origin, down - origin, origin], axis=1)
