"""Predicts dense motion, a deformation and an occlusion, from keypoints (FOMM Sec. 3.2)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.hourglass import Hourglass
from kinema.core.checks import check_divisible
from kinema.core.config import Config
from kinema.core.types import Keypoints, Motion
from kinema.motion.sparse import deform_by_each, heatmap_difference, sparse_motions
from kinema.ops.pyramid import downsample


class DenseMotionConfig(Config):
    """Size of the network that blends the keypoints' motions."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    block_expansion: int = Field(default=64, ge=1, description="base width of the hourglass")
    max_features: int = Field(default=1024, ge=1, description="largest width of the hourglass")
    num_blocks: int = Field(default=5, ge=1, description="halvings inside the hourglass")
    scale_factor: float = Field(default=0.25, gt=0, le=1, description="the frame is shrunk by this first")
    kp_variance: float = Field(
        default=0.01, gt=0, description="of the Gaussian of a keypoint, squared coordinate units"
    )
    occlusion: bool = Field(default=True, description="estimate which pixels the source does not show")
    align_corners: bool = Field(default=True, description="sampling rule the weights were trained with")


class DenseMotion(nn.Module):
    """Predicts for every pixel a soft assignment to the motions of the keypoints and the background."""

    def __init__(self, config: DenseMotionConfig) -> None:
        super().__init__()
        self.config = config
        self.hourglass = Hourglass(
            (config.num_kp + 1) * (config.num_channels + 1),
            block_expansion=config.block_expansion,
            num_blocks=config.num_blocks,
            max_features=config.max_features,
        )
        self.mask_head = nn.Conv2d(self.hourglass.out_channels, config.num_kp + 1, 7, padding=3)
        self.occlusion_head = nn.Conv2d(self.hourglass.out_channels, 1, 7, padding=3) if config.occlusion else None

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return int(1 / self.config.scale_factor) * 2**self.config.num_blocks

    def shrink(self, source: Tensor) -> Tensor:
        """The source at the working resolution; compute it once for a source that many frames share.

        Args:
            source: (B, 3, H, W) RGB in [0, 1].

        Returns:
            (B, 3, h, w).

        Raises:
            InputError: H or W is not a multiple of :attr:`divisor`.
        """
        check_divisible((source.shape[2], source.shape[3]), self.divisor, what="dense motion")
        return downsample(source, self.config.scale_factor)

    def forward(self, small_source: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> Motion:
        """The motion that carries the source to the pose of ``kp_driving``.

        Args:
            small_source: (B, 3, h, w) from :meth:`shrink`, or one row for all.
            kp_source: keypoints of the source, B rows or one.
            kp_driving: keypoints to reach, B rows.

        Returns:
            ``deformation`` (B, h, w, 2), ``occlusion`` (B, 1, h, w) or None, ``mask`` (B, K + 1, h, w),
            ``sparse_deformed`` (B, K + 1, 3, h, w).
        """
        size = (small_source.shape[2], small_source.shape[3])
        heatmaps = heatmap_difference(kp_source, kp_driving, size, variance=self.config.kp_variance)
        motions = sparse_motions(kp_source, kp_driving, size)
        deformed = deform_by_each(small_source, motions, align_corners=self.config.align_corners)
        # Channels are ordered keypoint by keypoint: its heatmap, then its deformed colours.
        features = self.hourglass(torch.cat([heatmaps.unsqueeze(2), deformed], dim=2).flatten(1, 2))
        mask = self.mask_head(features).softmax(dim=1)  # (B, K + 1, h, w)
        deformation = (motions * mask.unsqueeze(-1)).sum(dim=1)
        occlusion = None if self.occlusion_head is None else self.occlusion_head(features).sigmoid()
        return Motion(deformation, occlusion, mask, deformed)
