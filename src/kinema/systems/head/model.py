"""The weights of head: a mean head with its face units, nothing that is learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kinema.faces.head_pose import similarity
from kinema.systems.head.config import HeadConfig

NUM_POINTS = 478
# From the mean head's axes (x the subject's left, y up, z to the viewer) to those of pictures.
TO_PICTURE = np.array([1.0, -1.0, -1.0])


class HeadModel(nn.Module):
    """Geometry of MakeHuman's mean head and of the 51 face units on the points of the face mesh.

    Buffers, in decimetres with x to the subject's left, y up and z to the viewer:
        points (478, 3), units (51, 478, 3), skull (S, 3), upper_teeth (V, 3), upper_faces (F, 4),
        lower_teeth (V', 3), lower_faces (F', 4), lower_units (51, V', 3).
    """

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        units, upper, lower = len(config.unit_names), config.num_upper, config.num_lower
        shapes = {
            "points": (NUM_POINTS, 3),
            "units": (units, NUM_POINTS, 3),
            "skull": (config.num_skull, 3),
            "upper_teeth": (upper[0], 3),
            "lower_teeth": (lower[0], 3),
            "lower_units": (units, lower[0], 3),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))
        for name, count in (("upper_faces", upper[1]), ("lower_faces", lower[1])):
            self.register_buffer(name, torch.zeros(count, 4, dtype=torch.int64))

    def fitted_to(self, points: NDArray[np.float64]) -> FittedHead:
        """The mean head in the place of a face, by its (478, 3) points in pixels."""
        arrays = {name: buffer.cpu().numpy() for name, buffer in self.named_buffers()}
        scale, rotation, shift = similarity(arrays["points"][:468].astype(np.float64) * TO_PICTURE, points[:468])
        return FittedHead(self.config.unit_names, arrays, scale * rotation * TO_PICTURE, shift)


@dataclass(frozen=True)
class FittedHead:
    """The mean head, brought onto one face.

    Attributes:
        names: of the K units.
        arrays: the model's buffers.
        to_face: (3, 3) from decimetres of the mean head to pixels.
        shift: (3,) in pixels.
    """

    names: tuple[str, ...]
    arrays: dict[str, NDArray]
    to_face: NDArray[np.float64]
    shift: NDArray[np.float64]

    def place(self, name: str) -> NDArray[np.float64]:
        """The points (N, 3) of a buffer in pixels."""
        return self.arrays[name].astype(np.float64) @ self.to_face.T + self.shift

    def units(self, name: str = "units") -> NDArray[np.float64]:
        """The displacements (K, N, 3) of units of strength 1, in pixels."""
        return self.arrays[name].astype(np.float64) @ self.to_face.T

    def index(self, name: str) -> int:
        """Of a unit among the K."""
        return self.names.index(name)
