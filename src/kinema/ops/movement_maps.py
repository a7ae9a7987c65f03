"""Draws the movements of keypoints as maps for a network (Monkey-Net, Siarohin et al., CVPR 2019, Sec. 3.2 and 3.3)."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from kinema.core.config import Config
from kinema.core.types import Keypoints
from kinema.ops.grid import identity_grid
from kinema.ops.heatmap import covariance_gaussian, gaussian_heatmap
from kinema.ops.warp import warp


class MovementConfig(Config):
    """Which maps are drawn for each keypoint."""

    use_heatmap: bool = Field(default=True, description="a Gaussian at the driving point")
    heatmap_type: Literal["gaussian", "difference"] = Field(
        default="gaussian", description="difference subtracts the Gaussian at the source point"
    )
    norm_const: Literal["sum"] | float = Field(default="sum", description="divides Gaussians; sum: their own sum")
    use_difference: bool = Field(default=False, description="the vector from the driving to the source point")
    use_deformed_source_image: bool = Field(default=False, description="the source moved by that vector")
    add_bg_feature_map: bool = Field(default=False, description="add one point that does not move")
    scale_factor: float = Field(default=1, gt=0, le=1, description="the frame is shrunk by this first")

    def out_channels(self, num_kp: int, num_channels: int) -> int:
        """Channels of the maps for ``num_kp`` keypoints."""
        each = self.use_heatmap + 2 * self.use_difference + num_channels * self.use_deformed_source_image
        return each * (num_kp + self.add_bg_feature_map)


def shrink_nearest(frames: Tensor, scale_factor: float) -> Tensor:
    """Keeps every n-th pixel of (B, C, H, W), as the authors do: (B, C, H * scale_factor, W * scale_factor)."""
    return frames if scale_factor == 1 else F.interpolate(frames, scale_factor=scale_factor)


def point_heatmap(kp: Keypoints, size: tuple[int, int], *, kp_variance: Literal["matrix", "single"] | float) -> Tensor:
    """A Gaussian for each keypoint.

    Args:
        kp: B rows, with the covariance that ``kp_variance`` names.
        size: (height, width) of the maps.
        kp_variance: "matrix" and "single" use the keypoints' own covariance; a number is the variance of all of them.

    Returns:
        (B, K, height, width) in [0, 1].
    """
    if isinstance(kp_variance, str):
        assert kp.covariance is not None
        return covariance_gaussian(kp.value, kp.covariance, size)
    return gaussian_heatmap(kp.value, size, variance=kp_variance)


def movement_maps(
    frames: Tensor,
    kp_source: Keypoints,
    kp_driving: Keypoints,
    config: MovementConfig,
    *,
    kp_variance: Literal["matrix", "single"] | float,
    align_corners: bool,
) -> Tensor:
    """The maps that ``config`` selects.

    Args:
        frames: (B, C, H, W) source, or one row for all; unless the config warps it, only its size is used.
        kp_source: B rows or one for all.
        kp_driving: B rows.
        config: which maps.
        kp_variance: as in :func:`point_heatmap`.
        align_corners: as in :func:`kinema.ops.warp.warp`.

    Returns:
        (B, ``config.out_channels``, h, w), keypoint by keypoint (the unmoved one first): heatmap, vector, warped
        source.
    """
    frames = shrink_nearest(frames, config.scale_factor)
    size = (frames.shape[2], frames.shape[3])
    batch = kp_driving.value.shape[0]
    maps: list[Tensor] = []  # each (B, K, c, h, w)
    if config.use_heatmap:
        heatmap = _normalise(point_heatmap(kp_driving, size, kp_variance=kp_variance), config.norm_const)
        if config.heatmap_type == "difference":
            heatmap = heatmap - _normalise(point_heatmap(kp_source, size, kp_variance=kp_variance), config.norm_const)
        maps.append(_with_still_point(heatmap, config).unsqueeze(2))
    vectors = _with_still_point(kp_source.value - kp_driving.value, config)  # (B, K, 2)
    if config.use_difference:
        maps.append(vectors[..., None, None].expand(-1, -1, -1, *size))
    if config.use_deformed_source_image:
        grid = identity_grid(size, device=vectors.device, dtype=vectors.dtype)
        motions = (grid + vectors[:, :, None, None]).flatten(1, 2)  # (B, K * h, w, 2): one tall grid
        moved = warp(frames.expand(batch, -1, -1, -1), motions, align_corners=align_corners)
        maps.append(moved.unflatten(2, (-1, size[0])).movedim(2, 1))
    return torch.cat(maps, dim=2).flatten(1, 2)


def _with_still_point(values: Tensor, config: MovementConfig) -> Tensor:
    return torch.cat([torch.zeros_like(values[:, :1]), values], dim=1) if config.add_bg_feature_map else values


def _normalise(heatmap: Tensor, norm_const: Literal["sum"] | float) -> Tensor:
    if isinstance(norm_const, str):
        return heatmap / heatmap.sum(dim=(2, 3), keepdim=True)
    return heatmap / norm_const
