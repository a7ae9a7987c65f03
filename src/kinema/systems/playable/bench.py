"""Defines the work of playable that ``kinema bench`` times."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from kinema.framing.pixels import to_images
from kinema.systems.inference_work import InferenceWork


def playing_work(pipeline: Any, source: Tensor, driving: Tensor) -> InferenceWork:
    """A game begun, and one action after the other.

    Args:
        pipeline: of the system.
        source: (1, 3, H, W) in [0, 1].
        driving: (N, 3, H, W), unused.
    """
    first = to_images(source)
    game = pipeline.start(first)

    def step(frames: int) -> np.ndarray:
        now = game
        for number in range(frames):
            frame, now = pipeline.step(now, number % pipeline.num_actions)
        return frame

    return InferenceWork(lambda: pipeline.start(first), step)
