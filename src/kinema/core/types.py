"""Defines groups of tensors that are passed through the pipeline together."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor


class TensorGroup:
    """Shared behaviour of the frozen dataclasses below: every field is a tensor, a group or None."""

    def map(self, function: Any) -> Self:
        """Applies ``function`` to every tensor, keeping what is None."""
        changes = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changes[field.name] = function(value)
            elif isinstance(value, TensorGroup):
                changes[field.name] = value.map(function)
        return replace(self, **changes)  # type: ignore[type-var]

    def to(self, device: torch.device | str) -> Self:
        """The same group on ``device``."""
        return self.map(lambda tensor: tensor.to(device))

    def detach(self) -> Self:
        """The same group, detached from the autograd graph."""
        return self.map(lambda tensor: tensor.detach())

    def __getitem__(self, index: Any) -> Self:
        """Rows of the batch axis; an integer keeps the axis so that ``group[0]`` is a batch of one."""
        if isinstance(index, int):
            index = slice(index, index + 1 or None)
        return self.map(lambda tensor: tensor[index])


@dataclass(frozen=True)
class Keypoints(TensorGroup):
    """Sparse motion description of a frame.

    Attributes:
        value: (B, K, 2) points (x, y) in [-1, 1].
        jacobian: (B, K, 2, 2) local affine part of the motion at each point, or None.
        heatmap: (B, K, H, W) confidence maps from which the points were computed, or None if not needed.
        covariance: (B, K, 2, 2) spread of each map about its point in squared coordinate units, (B, K, 1, 1) if both
            axes have the same variance, or None.
        segmentation: (B, K + 1, H, W) soft assignment of each pixel to the background (index 0) and the keypoints'
            parts, sum 1, or None.
    """

    value: Tensor
    jacobian: Tensor | None = None
    heatmap: Tensor | None = None
    covariance: Tensor | None = None
    segmentation: Tensor | None = None


@dataclass(frozen=True)
class Motion(TensorGroup):
    """Dense motion from driving to source.

    Attributes:
        deformation: (B, H, W, 2) absolute backward sampling grid, (x, y) in [-1, 1].
        occlusion: (B, 1, H, W) in [0, 1], 1 where the source is visible, or None.
        mask: (B, K + 1, H, W) soft assignment of each pixel to background (index 0) or keypoint, or None.
        sparse_deformed: (B, K + 1, C, H, W) source warped by each local motion, or None.
    """

    deformation: Tensor
    occlusion: Tensor | None = None
    mask: Tensor | None = None
    sparse_deformed: Tensor | None = None


@dataclass(frozen=True)
class Joints(TensorGroup):
    """The positions of the 18 joints of ``kinema.people.skeleton`` in a frame.

    In pixels and not in [-1, 1], because annotations are whole pixels, and masks and maps computed from them are
    defined on the pixel grid.

    Attributes:
        value: (B, 18, 2) points (x, y) in pixels, 0 the centre of the first pixel; meaningless for missing joints.
        present: (B, 18) bool, False where a joint is missing.
    """

    value: Tensor
    present: Tensor


@dataclass(frozen=True)
class LimbMotion(TensorGroup):
    """The motion of each part of a body from driving to source.

    Attributes:
        transforms: (B, P, 2, 3) affine maps from driving pixels (x, y) to source pixels, of frames at full size.
        masks: (B, P, H, W) bool, where in the driving frame each part may be, or None for everywhere.
    """

    transforms: Tensor
    masks: Tensor | None = None
