"""What follows a driving clip with a photo: a head, or a model of keypoints that is measured beside it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinema.faces.mesh import FaceMesh
from kinema.systems.abilities import AnimationPipeline, HeadPipeline, PreparedHead
from kinema.video import Frame, resize

_Image = NDArray[np.uint8]


class Follower(Protocol):
    """Draws a photo as driving frames move."""

    def follow(self, frame: Frame) -> _Image:
        """The photo, uint8 (H, W, 3) of its own size, at the next driving frame."""
        ...


class HeadFollower:
    """A prepared head and its driver.

    Attributes:
        driver: tells of frames without a face, and of cuts.
    """

    def __init__(self, pipeline: HeadPipeline[object], head: PreparedHead[object]) -> None:
        """Takes the pipeline that prepared the head."""
        self._tracker, self._head, self.driver = pipeline.tracker, head, pipeline.driver(head)
        self._mesh: FaceMesh | None = None

    def follow(self, frame: Frame) -> _Image:
        """The photo, uint8 (H, W, 3), at the next driving frame."""
        self._mesh = self._tracker.track(frame.image, self._mesh)
        return self._head.draw(self.driver.step(self._mesh, float(frame.time_seconds), frame.image))


class KeypointFollower:
    """A model of keypoints; whole pictures are brought to its size, and its frames to the photo's."""

    def __init__(self, pipeline: AnimationPipeline, photo: _Image, *, relative: bool) -> None:
        """Takes the photo, uint8 (H, W, 3), and whether another person drives it."""
        self._pipeline, self._photo, self._relative = pipeline, photo, relative
        self._animation = None

    def follow(self, frame: Frame) -> _Image:
        """The photo, uint8 (H, W, 3), at the next driving frame."""
        size = self._pipeline.size
        driving = resize(frame.image, size)
        if self._animation is None:
            self._animation = self._pipeline.prepare(
                resize(self._photo, size), relative=self._relative, anchor=driving, crop="none"
            )
        return resize(self._animation.step(driving), self._photo.shape[:2])
