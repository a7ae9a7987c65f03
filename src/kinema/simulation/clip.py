"""Defines the output of every simulator: a clip with its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinema.simulation.truth import Truth


@dataclass(frozen=True, eq=False)
class SimulatedClip:
    """A clip of T frames.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        truth: its actions and positions.
    """

    frames: np.ndarray
    truth: Truth
