"""Converts points to heatmaps and heatmaps to points."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.ops.affine import invert_2x2, map_points
from kinema.ops.grid import identity_grid


def gaussian_heatmap(points: Tensor, size: tuple[int, int], *, variance: float) -> Tensor:
    """Isotropic Gaussians around points, 1 at the peak.

    Args:
        points: (B, K, 2), (x, y) in [-1, 1].
        size: (height, width) of the maps.
        variance: of each axis, in squared coordinate units.

    Returns:
        (B, K, height, width) in [0, 1].
    """
    grid = identity_grid(size, device=points.device, dtype=points.dtype)
    # exp of a sum of squares is a product of two profiles: K * (H + W) exponentials instead of K * H * W.
    along_x = torch.exp(-0.5 * (grid[0, :, 0] - points[..., 0:1]) ** 2 / variance)  # (B, K, W)
    along_y = torch.exp(-0.5 * (grid[:, 0, 1] - points[..., 1:2]) ** 2 / variance)  # (B, K, H)
    return along_y.unsqueeze(-1) * along_x.unsqueeze(-2)


def covariance_gaussian(points: Tensor, covariance: Tensor, size: tuple[int, int]) -> Tensor:
    """Gaussians with given covariances around points, 1 at the peak (Monkey-Net, Siarohin et al., CVPR 2019, Eq. 3).

    Args:
        points: (B, K, 2), (x, y) in [-1, 1].
        covariance: (B, K, 2, 2) positive definite, or (B, K, 1, 1) for circles.
        size: (height, width) of the maps.

    Returns:
        (B, K, height, width) in [0, 1].
    """
    grid = identity_grid(size, device=points.device, dtype=points.dtype)
    offsets = grid - points[:, :, None, None]  # (B, K, H, W, 2)
    if covariance.shape[-1] == 1:
        return torch.exp(-0.5 * offsets.square().sum(dim=-1) / covariance)
    # Products by elements: autocast would do matrix products in bfloat16.
    inverse = invert_2x2(covariance).unsqueeze(2)  # (B, K, 1, 2, 2)
    return torch.exp(-0.5 * (map_points(offsets, inverse) * offsets).sum(dim=-1))


def heatmap_covariance(heatmap: Tensor, points: Tensor) -> Tensor:
    """The covariance of each map about its point.

    Args:
        heatmap: (B, K, H, W), each map with sum 1.
        points: (B, K, 2) as from :func:`soft_argmax`.

    Returns:
        (B, K, 2, 2), symmetric, in squared coordinate units.
    """
    grid = identity_grid((heatmap.shape[2], heatmap.shape[3]), device=heatmap.device, dtype=heatmap.dtype)
    x, y = (grid - points[:, :, None, None]).unbind(dim=-1)  # (B, K, H, W)
    # Products by elements: autocast would do matrix products in bfloat16.
    xx, xy, yy = ((heatmap * product).sum(dim=(2, 3)) for product in (x * x, x * y, y * y))
    return torch.stack([xx, xy, xy, yy], dim=-1).unflatten(-1, (2, 2))


def spatial_softmax(logits: Tensor, *, temperature: float) -> Tensor:
    """Turns each map into a distribution over its pixels.

    Args:
        logits: (B, K, H, W).
        temperature: values below 1 sharpen the maps.

    Returns:
        (B, K, H, W), each map non-negative with sum 1.
    """
    return (logits.flatten(2) / temperature).softmax(dim=2).unflatten(2, logits.shape[2:])


def soft_argmax(heatmap: Tensor) -> Tensor:
    """The mean position of each map.

    Args:
        heatmap: (B, K, H, W), each map with sum 1. Its corner pixels are taken as the frame's corners even if an
            unpadded head has shrunk the map, because the published weights were trained so.

    Returns:
        (B, K, 2) points (x, y) in [-1, 1].
    """
    grid = identity_grid((heatmap.shape[2], heatmap.shape[3]), device=heatmap.device, dtype=heatmap.dtype)
    x = (heatmap.sum(dim=2) * grid[0, :, 0]).sum(dim=-1)
    y = (heatmap.sum(dim=3) * grid[:, 0, 1]).sum(dim=-1)
    return torch.stack([x, y], dim=-1)
