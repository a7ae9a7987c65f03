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
        encode: the work that is done once for a source.
        step: generates a given number of frames.
    """

    encode: Callable[[], object]
    step: Callable[[int], object]


@dataclass(frozen=True)
class Bench:
    """How a system is timed.

    Attributes:
        preset: the authors' networks, for comparison with their code.
        work: gives the timed work for a pipeline, a source (1, 3, H, W) and driving frames (N, 3, H, W) in [0, 1].
        batched: whether several frames can be generated at once; with poses and actions they cannot.
    """

    preset: str
    work: Callable[[Any, Tensor, Tensor], InferenceWork]
    batched: bool = True


def animation_work(pipeline: Any, source: Tensor, driving: Tensor) -> InferenceWork:
    """The work of an animation; a frame needs its keypoints, their transfer, dense motion and the generator.

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
