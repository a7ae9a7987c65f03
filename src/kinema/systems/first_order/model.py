"""Joins the stages of first_order: from frames to keypoints, to motion, to a generated frame."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from kinema.core.types import Keypoints, Motion, TensorGroup
from kinema.keypoints.first_order import FirstOrderKeypoints
from kinema.motion.dense import DenseMotion
from kinema.synthesis.warping_generator import WarpingGenerator
from kinema.systems.first_order.config import FirstOrderConfig


@dataclass(frozen=True)
class EncodedSource(TensorGroup):
    """The part of the computation for a source that many frames share.

    Attributes:
        frame: (B, 3, H, W) RGB in [0, 1].
        small: (B, 3, h, w) at the resolution of dense motion.
        features: (B, C, h', w') of the generator's encoder.
        kp: its keypoints.
    """

    frame: Tensor
    small: Tensor
    features: Tensor
    kp: Keypoints


class FirstOrderModel(nn.Module):
    """Keypoint detector, dense motion and generator."""

    def __init__(self, config: FirstOrderConfig) -> None:
        super().__init__()
        self.config = config
        self.keypoints = FirstOrderKeypoints(config.keypoints)
        self.motion = DenseMotion(config.motion)
        self.generator = WarpingGenerator(config.generator)

    def encode(self, source: Tensor) -> EncodedSource:
        """Prepares (B, 3, H, W) sources in [0, 1]; H and W multiples of ``config.divisor``."""
        return EncodedSource(source, self.motion.shrink(source), self.generator.encode(source), self.keypoints(source))

    def animate(self, source: EncodedSource, kp_driving: Keypoints) -> tuple[Tensor, Motion]:
        """The source in the pose of ``kp_driving``.

        Args:
            source: from :meth:`encode`, B rows or one for all.
            kp_driving: B rows.

        Returns:
            Frames (B, 3, H, W) in [0, 1], and the motion that was applied.
        """
        motion = self.motion(source.small, source.kp, kp_driving)
        return self.generator(source.frame, motion, source.features), motion

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Moves (B, 3, H, W) sources as (B, 3, H, W) driving frames, absolutely; returns (B, 3, H, W) in [0, 1]."""
        return self.animate(self.encode(source), self.keypoints(driving))[0]
