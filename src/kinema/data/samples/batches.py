"""Defines the batches that training steps see, one class for each kind of data."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from kinema.core.types import Joints, TensorGroup


@dataclass(frozen=True)
class Batch(TensorGroup):
    """A pair of frames of each of B clips.

    Attributes:
        source: (B, 3, H, W) RGB in [0, 1].
        driving: (B, 3, H, W) RGB in [0, 1], another frame of the same clip.
    """

    source: Tensor
    driving: Tensor


@dataclass(frozen=True)
class PoseBatch(TensorGroup):
    """Two frames of each of B people, with their poses.

    Attributes:
        source: (B, 3, H, W) RGB in [0, 1].
        driving: (B, 3, H, W) RGB in [0, 1], the same person in another pose.
        joints_source: of the source.
        joints_driving: of the driving frame.
        background: (B, 3, H, W) RGB in [0, 1], the background of the driving frame without the person, or None.
        mask: (B, 1, H, W) in [0, 1], mask of the person in the driving frame, or None if the data have none.
    """

    source: Tensor
    driving: Tensor
    joints_source: Joints
    joints_driving: Joints
    background: Tensor | None = None
    mask: Tensor | None = None


@dataclass(frozen=True)
class LabelledLandmarks(TensorGroup):
    """Landmark sequences of B clips.

    Attributes:
        landmarks: (B, T, N, 2) points (x, y) in the face's own coordinates (``kinema.faces.landmarks``),
            the first frame neutral.
        label: (B,) int64, which class of expression each shows.
    """

    landmarks: Tensor
    label: Tensor


@dataclass(frozen=True)
class LandmarkPair(TensorGroup):
    """Two frames of each of B clips, with their landmarks.

    Attributes:
        source: (B, 3, H, W) RGB in [0, 1], the first frame of a clip.
        driving: (B, 3, H, W) RGB in [0, 1], another frame of it.
        landmarks_source: (B, N, 2) points (x, y) in [-1, 1].
        landmarks_driving: (B, N, 2) points (x, y) in [-1, 1].
    """

    source: Tensor
    driving: Tensor
    landmarks_source: Tensor
    landmarks_driving: Tensor


@dataclass(frozen=True)
class LabelledFrames(TensorGroup):
    """Clips of B people.

    Attributes:
        frames: (B, T, 3, H, W) RGB in [0, 1], the first neutral.
        label: (B,) int64, which class of expression each shows.
        stranger: (B, 3, H, W) RGB in [0, 1], a frame of another person with the same label.
    """

    frames: Tensor
    label: Tensor
    stranger: Tensor


@dataclass(frozen=True)
class SmileBatch(TensorGroup):
    """The samples for the two halves of smile in one step.

    Attributes:
        sequences: any number of rows, or None if no landmarks are learned.
        pairs: B rows, or None if no frames are learned.
    """

    sequences: LabelledLandmarks | None = None
    pairs: LandmarkPair | None = None


@dataclass(frozen=True)
class ClipBatch(TensorGroup):
    """Consecutive observations of B clips.

    Attributes:
        observations: (B, T, 3 S, H, W) RGB in [0, 1]; each is the frame of its time step and the S - 1 before it, the
            most recent first (``kinema.ops.frame_stack``).
    """

    observations: Tensor
