"""Tensors that travel together through the pipeline."""

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
        """The same group, cut from the graph."""
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
        heatmap: (B, K, H, W) confidence maps the points were read from, or None where not needed.
        covariance: (B, K, 2, 2) spread of each map about its point in squared coordinate units, (B, K, 1, 1) where one
            variance stands for both axes, or None.
        segmentation: (B, K + 1, H, W) share of background (index 0) and of each keypoint's part, sum 1, or None.
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
    """Where the 18 joints of ``kinema.people.skeleton`` are in a frame.

    In pixels and not in [-1, 1]: annotations are whole pixels, and the masks and maps made of them are defined on the
    pixel grid.

    Attributes:
        value: (B, 18, 2) points (x, y) in pixels, 0 the centre of the first; anything where a joint is missing.
        present: (B, 18) bool, False where a joint is missing.
    """

    value: Tensor
    present: Tensor


@dataclass(frozen=True)
class LimbMotion(TensorGroup):
    """How each part of a body moves from driving to source.

    Attributes:
        transforms: (B, P, 2, 3) affine maps of a driving pixel (x, y) to a source pixel, of frames at full size.
        masks: (B, P, H, W) bool, where in the driving frame each part may be, or None for everywhere.
    """

    transforms: Tensor
    masks: Tensor | None = None
