"""Defines the work that ``kinema bench`` times: once for a source, and once for each frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from kinema.framing.pixels import to_images


@dataclass(frozen=True)
class InferenceWork:
    """The two parts of inference.

    Attributes:
        encode: does once for a source what all frames need.
        step: generates so many frames.
    """

    encode: Callable[[], object]
    step: Callable[[int], object]


@dataclass(frozen=True)
class Bench:
    """How a system is timed.

    Attributes:
        preset: the authors' networks, whose size is the one to compare with.
        work: pipeline, source (1, 3, H, W) and driving frames (N, 3, H, W) in [0, 1] to what is timed.
        batched: whether frames may be generated several at a time; poses and actions come one after the other.
    """

    preset: str
    work: Callable[[Any, Tensor, Tensor], InferenceWork]
    batched: bool = True


def animation_work(pipeline: Any, source: Tensor, driving: Tensor) -> InferenceWork:
    """Keypoints of driving frames, transfer, dense motion and generator are the cost of a frame.

    Args:
        pipeline: an animation pipeline.
        source: (1, 3, H, W) in [0, 1].
        driving: (N, 3, H, W) in [0, 1].
    """
    animation = pipeline.prepare(source, anchor=driving[:1])
    return InferenceWork(
        lambda: pipeline.prepare(source, anchor=driving[:1]),
        lambda frames: to_images(animation.step(driving[:frames])),
    )
