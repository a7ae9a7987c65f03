"""Detects keypoints and the spread of their heatmaps in frames (Monkey-Net, Siarohin et al., CVPR 2019, Sec. 3.1)."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.hourglass import Hourglass
from kinema.core.checks import check_divisible
from kinema.core.config import Config
from kinema.core.types import Keypoints
from kinema.keypoints.heatmaps import predict_heatmaps
from kinema.ops.heatmap import heatmap_covariance, soft_argmax

# The authors add this to every pixel of a heatmap, so that even a sharp one has some spread.
HEATMAP_FLOOR = 1e-7


class ZerothOrderKeypointsConfig(Config):
    """Size of the keypoint detector."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    block_expansion: int = Field(default=32, ge=1, description="base width of the hourglass")
    max_features: int = Field(default=1024, ge=1, description="largest width of the hourglass")
    num_blocks: int = Field(default=5, ge=1, description="halvings inside the hourglass")
    temperature: float = Field(default=0.1, gt=0, description="of the heatmap softmax; lower is sharper")
    scale_factor: float = Field(default=1, gt=0, le=1, description="the frame is shrunk by this first")
    kp_variance: Literal["matrix", "single"] | float = Field(
        default="matrix", description="spread of a keypoint: a matrix, one number for both axes, or a constant"
    )
    clip_variance: float | None = Field(default=None, gt=0, description="least spread along any axis; matrix only")


class ZerothOrderKeypoints(nn.Module):
    """Detects learned keypoints: an hourglass predicts a heatmap for each, of which mean and covariance are taken."""

    def __init__(self, config: ZerothOrderKeypointsConfig) -> None:
        super().__init__()
        self.config = config
        self.hourglass = Hourglass(
            config.num_channels,
            block_expansion=config.block_expansion,
            num_blocks=config.num_blocks,
            max_features=config.max_features,
        )
        self.heatmap_head = nn.Conv2d(self.hourglass.out_channels, config.num_kp, 3, padding=1)

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return int(1 / self.config.scale_factor) * 2**self.config.num_blocks

    def forward(self, frames: Tensor) -> Keypoints:
        """Keypoints of each frame.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1]; H and W multiples of :attr:`divisor`.

        Returns:
            ``value`` (B, K, 2), ``heatmap`` (B, K, h, w), and ``covariance`` (B, K, 2, 2), (B, K, 1, 1) or None.

        Raises:
            InputError: H or W does not fit.
        """
        check_divisible((frames.shape[2], frames.shape[3]), self.divisor, what="keypoint detector")
        if self.config.scale_factor != 1:
            frames = F.interpolate(frames, scale_factor=self.config.scale_factor)
        features = self.hourglass(frames)
        heatmap = predict_heatmaps(self.heatmap_head, features, temperature=self.config.temperature)
        return read_keypoints(heatmap, kp_variance=self.config.kp_variance, clip_variance=self.config.clip_variance)


def read_keypoints(
    heatmap: Tensor, *, kp_variance: Literal["matrix", "single"] | float, clip_variance: float | None = None
) -> Keypoints:
    """Keypoints from the mean and spread of their heatmaps.

    Args:
        heatmap: (B, K, H, W), each map with sum 1.
        kp_variance: which kind of spread is computed; none for a constant.
        clip_variance: least spread along any axis, for "matrix"; None leaves the covariances as they are.

    Returns:
        ``value``, ``heatmap`` and, unless the variance is a constant, ``covariance``.
    """
    floored = heatmap + HEATMAP_FLOOR
    value = soft_argmax(floored)
    if kp_variance not in ("matrix", "single"):
        return Keypoints(value, heatmap=heatmap)
    covariance = heatmap_covariance(floored, value)
    if kp_variance == "single":
        covariance = covariance.diagonal(dim1=-2, dim2=-1).mean(dim=-1)[..., None, None]
    elif clip_variance is not None:
        smallest = _smallest_eigenvalue(covariance)[..., None, None]
        covariance = covariance * smallest.clamp_min(clip_variance) / smallest
    return Keypoints(value, heatmap=heatmap, covariance=covariance)


def _smallest_eigenvalue(covariance: Tensor) -> Tensor:
    """The smallest eigenvalue of symmetric (..., 2, 2) matrices: (...)."""
    a, b, d = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    # For a circular heatmap the root would be taken of 0, where its gradient is infinite.
    root = ((a - d).square() + 4 * b.square()).clamp_min(1e-20).sqrt()
    # The product of the eigenvalues divided by the larger one: their difference would cancel for thin shapes.
    return 2 * (a * d - b.square()) / (a + d + root)
