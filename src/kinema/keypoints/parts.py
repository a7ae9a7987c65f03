"""Segments frames into parts and predicts the position and affine map of each (Motion-supervised Co-Part Segmentation,
Siarohin et al., ICPR 2020, Sec. 3.1)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.hourglass import Hourglass
from kinema.core.checks import check_divisible
from kinema.core.config import Config
from kinema.core.types import Keypoints
from kinema.keypoints.heatmaps import average_jacobians, predict_heatmaps, start_as_identity
from kinema.ops.heatmap import soft_argmax
from kinema.ops.pyramid import downsample


class PartSegmentationConfig(Config):
    """Size of the segmentation network."""

    num_parts: int = Field(default=10, ge=1, description="parts, the background not counted")
    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    block_expansion: int = Field(default=32, ge=1, description="base width of the hourglass")
    max_features: int = Field(default=1024, ge=1, description="largest width of the hourglass")
    num_blocks: int = Field(default=5, ge=1, description="halvings inside the hourglass")
    temperature: float = Field(default=0.1, gt=0, description="of the heatmap softmax; lower is sharper")
    scale_factor: float = Field(default=0.25, gt=0, le=1, description="the frame is shrunk by this first")
    background_init: float = Field(default=0, description="initial logit of the background")
    affine: bool = Field(default=True, description="parts move by affine maps; otherwise by shifts alone")


class PartSegmentation(nn.Module):
    """Predicts learned parts: the position of each, its affine map, and which pixels belong to it.

    The heads have the names of those of the first-order keypoint detector, so that training may start from its weights.
    """

    def __init__(self, config: PartSegmentationConfig) -> None:
        super().__init__()
        self.config = config
        self.hourglass = Hourglass(
            config.num_channels,
            block_expansion=config.block_expansion,
            num_blocks=config.num_blocks,
            max_features=config.max_features,
        )
        channels = self.hourglass.out_channels
        self.heatmap_head = nn.Conv2d(channels, config.num_parts, 7, padding=3)
        self.segmentation_head = nn.Conv2d(channels, config.num_parts + 1, 7, padding=3)
        self.segmentation_head.bias.data[0] += config.background_init  # type: ignore[index]
        self.jacobian_head: nn.Conv2d | None = None
        if config.affine:
            self.jacobian_head = nn.Conv2d(channels, 4 * config.num_parts, 7, padding=3)
            start_as_identity(self.jacobian_head)

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return int(1 / self.config.scale_factor) * 2**self.config.num_blocks

    def forward(self, frames: Tensor) -> Keypoints:
        """Parts of each frame.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1]; H and W multiples of :attr:`divisor`.

        Returns:
            ``value`` (B, K, 2), ``jacobian`` (B, K, 2, 2) or None, ``heatmap`` (B, K, h, w),
            ``segmentation`` (B, K + 1, h, w).

        Raises:
            InputError: H or W does not fit.
        """
        check_divisible((frames.shape[2], frames.shape[3]), self.divisor, what="part segmentation")
        features = self.hourglass(downsample(frames, self.config.scale_factor))
        segmentation = self.segmentation_head(features).softmax(dim=1)
        heatmap = predict_heatmaps(self.heatmap_head, features, temperature=self.config.temperature)
        jacobian = None
        if self.jacobian_head is not None:
            # In the precision of the weights, unlike the first-order detector's: autocast would round the maps.
            with torch.autocast(frames.device.type, enabled=False):
                maps = self.jacobian_head(features.to(self.jacobian_head.weight.dtype))
            jacobian = average_jacobians(maps, heatmap)
        return Keypoints(soft_argmax(heatmap), jacobian, heatmap, segmentation=segmentation)
