"""Joins the stages of Monkey-Net (Siarohin et al., CVPR 2019): from frames to keypoints, to motion, to a frame."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from kinema.core.types import Keypoints, Motion
from kinema.keypoints.zeroth_order import ZerothOrderKeypoints
from kinema.motion.displacement import DisplacementMotion
from kinema.ops.grid import identity_grid
from kinema.sequences.keypoint_predictor import KeypointPredictor
from kinema.synthesis.deformed_skip_generator import DeformedSkipGenerator
from kinema.systems.monkey_net.config import MonkeyNetConfig


@dataclass(frozen=True)
class EncodedSource:
    """The part of the computation for a source that many frames share.

    Attributes:
        frame: (B, 3, H, W) RGB in [0, 1].
        small: (B, 3, h, w) at the resolution of dense motion.
        features: of the generator's encoder, one tensor for each resolution, the frame first.
        kp: its keypoints.
    """

    frame: Tensor
    small: Tensor
    features: tuple[Tensor, ...]
    kp: Keypoints


class MonkeyNetModel(nn.Module):
    """Keypoint detector, dense motion (unless the config has none) and generator; a predictor if the config has one."""

    def __init__(self, config: MonkeyNetConfig) -> None:
        super().__init__()
        self.config = config
        self.keypoints = ZerothOrderKeypoints(config.keypoints)
        self.motion = None if config.motion is None else DisplacementMotion(config.motion)
        self.generator = DeformedSkipGenerator(config.generator)
        self.predictor = None if config.predictor is None else KeypointPredictor(config.predictor)

    def encode(self, source: Tensor) -> EncodedSource:
        """Prepares (B, 3, H, W) sources in [0, 1]; H and W multiples of ``config.divisor``."""
        return self.encode_with(source, self.keypoints(source))

    def encode_with(self, source: Tensor, kp: Keypoints) -> EncodedSource:
        """As :meth:`encode`, for (B, 3, H, W) sources whose keypoints are known."""
        small = source if self.motion is None else self.motion.shrink(source)
        return EncodedSource(source, small, self.generator.encode(source), kp)

    def move(self, source: EncodedSource, kp_driving: Keypoints) -> Motion:
        """The motion from the source to B rows of ``kp_driving``; the identity without a network."""
        if self.motion is not None:
            return self.motion(source.small, source.kp, kp_driving)
        size = (source.frame.shape[2], source.frame.shape[3])
        grid = identity_grid(size, device=source.frame.device, dtype=source.frame.dtype)
        return Motion(grid.expand(kp_driving.value.shape[0], -1, -1, -1))

    def animate(self, source: EncodedSource, kp_driving: Keypoints) -> tuple[Tensor, Motion]:
        """The source in the pose of ``kp_driving``.

        Args:
            source: from :meth:`encode`, B rows or one for all.
            kp_driving: B rows.

        Returns:
            Frames (B, 3, H, W) in [0, 1], and the motion that was applied.
        """
        motion = self.move(source, kp_driving)
        return self.generator(source.features, motion, source.kp, kp_driving), motion

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Moves (B, 3, H, W) sources as (B, 3, H, W) driving frames, absolutely; returns (B, 3, H, W) in [0, 1]."""
        return self.animate(self.encode(source), self.keypoints(driving))[0]
