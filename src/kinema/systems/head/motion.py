"""What a head does in one frame: how it turns, and what its face shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DrivenMouth:
    """The inside of a driving person's mouth, to be shown in another's.

    Attributes:
        image: uint8 (h, w, 3) around the mouth.
        ring: (20, 2) the inner lips' points in its pixels.
        gain: (3,) by which its colours are multiplied to stand in the other person's light.
    """

    image: NDArray[np.uint8]
    ring: NDArray[np.float64]
    gain: NDArray[np.float64]


@dataclass(frozen=True)
class HeadMotion:
    """A head's motion away from how the photo shows it; the fields' defaults are no motion.

    Attributes:
        rotation: (3, 3) about the middle of the head, x to the right, y down, z away from the viewer.
        scale: of the head in the picture.
        shift: (2,) of the head, in pixels of the photo.
        expression: (478, 3) displacement of the face's points before rotation, in pixels of the photo; None is none.
        lids: (2,) how far the eyes (image left first) close: 1 shut, 0 as in the photo, down to -0.4 wider.
        gaze: (2,) shift of both irises, in pixels of the photo.
        jaw: (3,) or (V, 3) displacement of the lower teeth, in pixels of the photo.
        mouth: what is seen inside the open mouth; None paints teeth and tongue.
    """

    rotation: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    scale: float = 1.0
    shift: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    expression: NDArray[np.float64] | None = None
    lids: tuple[float, float] = (0.0, 0.0)
    gaze: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    jaw: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    mouth: DrivenMouth | None = None


@dataclass(frozen=True)
class HeadPlace:
    """Where a head is in one frame.

    Attributes:
        rotation: (3, 3).
        scale: of the head.
        centre: (3,) about which it turns, at rest, in pixels of the photo.
        shift: (3,) of the centre.
    """

    rotation: NDArray[np.float64]
    scale: float
    centre: NDArray[np.float64]
    shift: NDArray[np.float64]

    def move(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 3) of the head at rest, as they are in the frame."""
        return self.centre + self.shift + self.scale * (points - self.centre) @ self.rotation.T
