"""Detects keypoints with local affine motion in frames (First Order Motion Model, Siarohin et al., NeurIPS 2019, Sec.
3.1)."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.hourglass import Hourglass
from kinema.core.checks import check_divisible
from kinema.core.config import Config
from kinema.core.types import Keypoints
from kinema.keypoints.heatmaps import average_jacobians, predict_heatmaps, start_as_identity
from kinema.ops.heatmap import soft_argmax
from kinema.ops.pyramid import downsample


class FirstOrderKeypointsConfig(Config):
    """Size of the keypoint detector."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    block_expansion: int = Field(default=32, ge=1, description="base width of the hourglass")
    max_features: int = Field(default=1024, ge=1, description="largest width of the hourglass")
    num_blocks: int = Field(default=5, ge=1, description="halvings inside the hourglass")
    temperature: float = Field(default=0.1, gt=0, description="of the heatmap softmax; lower is sharper")
    scale_factor: float = Field(default=0.25, gt=0, le=1, description="the frame is shrunk by this first")
    jacobian: bool = Field(default=True, description="estimate the local affine part")
    single_jacobian_map: bool = Field(default=False, description="one Jacobian map shared by all keypoints")
    pad: int = Field(default=0, ge=0, le=3, description="padding of the 7x7 heads; 0 shrinks the heatmaps by 6")


class FirstOrderKeypoints(nn.Module):
    """Detects learned keypoints: an hourglass predicts a heatmap for each, whose mean is the point.

    The Jacobian of a keypoint is the mean of predicted maps, weighted by its heatmap.
    """

    def __init__(self, config: FirstOrderKeypointsConfig) -> None:
        super().__init__()
        self.config = config
        self.hourglass = Hourglass(
            config.num_channels,
            block_expansion=config.block_expansion,
            num_blocks=config.num_blocks,
            max_features=config.max_features,
        )
        self.heatmap_head = nn.Conv2d(self.hourglass.out_channels, config.num_kp, 7, padding=config.pad)
        self.jacobian_head: nn.Conv2d | None = None
        if config.jacobian:
            maps = 1 if config.single_jacobian_map else config.num_kp
            self.jacobian_head = nn.Conv2d(self.hourglass.out_channels, 4 * maps, 7, padding=config.pad)
            start_as_identity(self.jacobian_head)

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return int(1 / self.config.scale_factor) * 2**self.config.num_blocks

    def forward(self, frames: Tensor) -> Keypoints:
        """Keypoints of each frame.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1]; H and W multiples of :attr:`divisor`.

        Returns:
            ``value`` (B, K, 2), ``jacobian`` (B, K, 2, 2) or None, ``heatmap`` (B, K, h, w).

        Raises:
            InputError: H or W does not fit.
        """
        check_divisible((frames.shape[2], frames.shape[3]), self.divisor, what="keypoint detector")
        features = self.hourglass(downsample(frames, self.config.scale_factor))
        heatmap = predict_heatmaps(self.heatmap_head, features, temperature=self.config.temperature)
        jacobian = None
        if self.jacobian_head is not None:
            jacobian = average_jacobians(self.jacobian_head(features), heatmap)
        return Keypoints(soft_argmax(heatmap), jacobian, heatmap)
