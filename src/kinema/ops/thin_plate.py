"""Draws random smooth transforms for equivariance: an affine map plus thin-plate-like bumps (FOMM Sec. 3.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from kinema.core.types import TensorGroup
from kinema.ops.affine import map_points
from kinema.ops.grid import identity_grid
from kinema.ops.warp import warp

# Keeps log(0) finite where a point meets a control point; the authors' value.
LOG_EPSILON = 1e-6


@dataclass(frozen=True)
class SmoothTransform(TensorGroup):
    """A map p -> theta (p, 1) + sum_i w_i U(|p - c_i|_1), U(r) = r^2 log r, the same bump added to x and to y.

    Attributes:
        theta: (B, 2, 3) affine part.
        control_points: (1, N, 2) in [-1, 1], or None for an affine map.
        control_params: (B, 1, N) weights w of the bumps, or None.
    """

    theta: Tensor
    control_points: Tensor | None = None
    control_params: Tensor | None = None

    def __getitem__(self, index: Any) -> Self:
        """Rows of the batch axis; the control points are the same for every row."""
        return replace(super().__getitem__(index), control_points=self.control_points)

    def warp_points(self, points: Tensor) -> Tensor:
        """The images of points under the transform.

        Args:
            points: (B, N, 2) or (1, N, 2), (x, y) in [-1, 1].

        Returns:
            (B, N, 2).
        """
        moved = map_points(points, self.theta[:, :, :2]) + self.theta[:, None, :, 2]
        if self.control_points is None or self.control_params is None:
            return moved
        distance = self._distance(points)
        bump = (distance.square() * torch.log(distance + LOG_EPSILON) * self.control_params).sum(dim=2)
        return moved + bump.unsqueeze(-1)

    def jacobian(self, points: Tensor) -> Tensor:
        """The map's derivative at points, in closed form.

        Args:
            points: (B, N, 2), (x, y) in [-1, 1].

        Returns:
            (B, N, 2, 2), row = output coordinate, column = input coordinate; differentiable.
        """
        linear = self.theta[:, None, :, :2].expand(-1, points.shape[1], -1, -1)  # (B, N, 2, 2)
        if self.control_points is None or self.control_params is None:
            return linear
        distance = self._distance(points)
        shifted = distance + LOG_EPSILON
        slope = (2 * distance * torch.log(shifted) + distance.square() / shifted) * self.control_params
        direction = torch.sign(points[:, :, None] - self.control_points[:, None])  # d|p - c|_1 / dp
        gradient = (slope.unsqueeze(-1) * direction).sum(dim=2)  # (B, N, 2)
        return linear + gradient.unsqueeze(-2)

    def warp_frames(self, frames: Tensor, *, padding: str = "reflection", align_corners: bool = True) -> Tensor:
        """Warps frames: the result at a point p is the frame at the image of p.

        Args:
            frames: (B, C, H, W).
            padding: what lies outside, as in :func:`kinema.ops.warp.warp`.
            align_corners: as in :func:`kinema.ops.warp.warp`.

        Returns:
            (B, C, H, W).
        """
        size = (frames.shape[2], frames.shape[3])
        grid = identity_grid(size, device=frames.device, dtype=frames.dtype).flatten(0, 1)[None]  # (1, H * W, 2)
        deformation = self.warp_points(grid).unflatten(1, size)
        return warp(frames, deformation, padding=padding, align_corners=align_corners)

    def _distance(self, points: Tensor) -> Tensor:
        assert self.control_points is not None
        return (points[:, :, None] - self.control_points[:, None]).abs().sum(dim=-1)  # (B, N, control points)


def random_transform(
    batch: int,
    *,
    sigma_affine: float,
    sigma_thin_plate: float,
    grid_points: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> SmoothTransform:
    """Draws one transform for each row of a batch.

    Args:
        batch: B.
        sigma_affine: standard deviation of the six affine parameters around the identity.
        sigma_thin_plate: standard deviation of the bump weights; 0 draws affine maps.
        grid_points: control points along each axis.
        generator: CPU source of randomness, so that a seed gives one result on every device.

    Returns:
        A transform whose ``theta`` has shape (B, 2, 3).
    """
    theta = torch.eye(2, 3) + sigma_affine * torch.randn(batch, 2, 3, generator=generator)
    if sigma_thin_plate == 0:
        return SmoothTransform(theta).to(device)
    control_points = identity_grid((grid_points, grid_points)).flatten(0, 1)[None]
    control_params = sigma_thin_plate * torch.randn(batch, 1, grid_points**2, generator=generator)
    return SmoothTransform(theta, control_points, control_params).to(device)
