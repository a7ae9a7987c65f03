"""The batches that training steps see, one class a kind of data."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from kinema.core.types import Joints, TensorGroup


@dataclass(frozen=True)
class Batch(TensorGroup):
    """A pair of frames of each of B clips.

    Attributes:
        source: (B, 3, H, W) RGB in [0, 1].
        driving: (B, 3, H, W) RGB in [0, 1], another moment of the same clip.
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
        background: (B, 3, H, W) RGB in [0, 1], what lies behind the person of the driving frame, or None.
        mask: (B, 1, H, W) in [0, 1], where the person of the driving frame is, or None where the data do not say.
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
        driving: (B, 3, H, W) RGB in [0, 1], another moment of it.
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
    """What the two halves of smile learn from in a step.

    Attributes:
        sequences: of any number of rows, or None where no landmarks are learned.
        pairs: of B rows, or None where no frames are learned.
    """

    sequences: LabelledLandmarks | None = None
    pairs: LandmarkPair | None = None


@dataclass(frozen=True)
class ClipBatch(TensorGroup):
    """Moments of B clips, one after the other.

    Attributes:
        observations: (B, T, 3 S, H, W) RGB in [0, 1]; each is the frame of its moment and the S - 1 before it, the most
            recent first (``kinema.ops.frame_stack``).
    """

    observations: Tensor
