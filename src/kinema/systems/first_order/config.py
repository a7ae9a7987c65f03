"""Defines the config of first_order: networks, objective and training."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from kinema.data.clips.cache import CacheConfig
from kinema.data.samples.frame_pairs import PairConfig
from kinema.keypoints.first_order import FirstOrderKeypointsConfig
from kinema.motion.dense import DenseMotionConfig
from kinema.synthesis.discriminator import PatchDiscriminatorConfig
from kinema.synthesis.warping_generator import WarpingGeneratorConfig
from kinema.systems.frame_size import FrameSizeConfig
from kinema.systems.image_losses import PyramidLossConfig
from kinema.train.config import TrainConfig


class FirstOrderObjectiveConfig(PyramidLossConfig):
    """Weights of the losses (FOMM Sec. 3.3) and learning rates; a weight of 0 switches its term off."""

    generator_gan: float = Field(default=0, ge=0, description="LSGAN of the generator; 0: no discriminator at all")
    discriminator_gan: float = Field(default=1, ge=0, description="LSGAN of the discriminator")
    feature_matching: tuple[float, ...] = Field(default=(10, 10, 10, 10), description="for each discriminator map")
    equivariance_value: float = Field(default=10, ge=0, description="points follow a transform of the frame")
    equivariance_jacobian: float = Field(default=10, ge=0, description="Jacobians follow it")
    sigma_affine: float = Field(default=0.05, ge=0, description="strength of the transform's affine part")
    sigma_thin_plate: float = Field(default=0.005, ge=0, description="strength of its bumps")
    grid_points: int = Field(default=5, ge=2, description="control points of the bumps along an axis")
    separation: float = Field(default=0, ge=0, description="keypoints keep apart; not in the paper, ours")
    separation_distance: float = Field(default=0.15, gt=0, description="reach of that repulsion, coordinate units")
    concentration: float = Field(default=0, ge=0, description="heatmaps are narrow; not in the paper, ours")
    transform_color: float = Field(
        default=0, ge=0, le=1, description="random gain and offset of the transformed frame; ours"
    )
    lr_generator: float = Field(default=2e-4, ge=0, description="learning rate of dense motion and generator")
    lr_keypoints: float = Field(default=2e-4, ge=0, description="learning rate of the keypoint detector")
    lr_discriminator: float = Field(default=2e-4, ge=0, description="learning rate of the discriminator")


class FirstOrderConfig(FrameSizeConfig):
    """Everything that defines a first_order model and its training."""

    frames: CacheConfig = CacheConfig(size=(256, 256))
    pairs: PairConfig = PairConfig()
    keypoints: FirstOrderKeypointsConfig = FirstOrderKeypointsConfig()
    motion: DenseMotionConfig = DenseMotionConfig()
    generator: WarpingGeneratorConfig = WarpingGeneratorConfig()
    discriminator: PatchDiscriminatorConfig = PatchDiscriminatorConfig()
    objective: FirstOrderObjectiveConfig = FirstOrderObjectiveConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        counts = {self.keypoints.num_kp, self.motion.num_kp}
        if self.discriminator.use_kp:
            counts.add(self.discriminator.num_kp)
        if len(counts) != 1:
            raise ValueError(
                f"keypoints.num_kp {self.keypoints.num_kp}, motion.num_kp {self.motion.num_kp} and "
                f"discriminator.num_kp {self.discriminator.num_kp} must be equal; set all of them"
            )
        if self.motion.align_corners != self.generator.align_corners:
            raise ValueError("motion.align_corners and generator.align_corners must be equal; set both")
        if self.objective.lr_generator == self.objective.lr_keypoints == 0:
            raise ValueError("objective.lr_generator and objective.lr_keypoints are both 0: nothing would learn")
        if not set(self.discriminator.scales) <= set(self.objective.scales):
            raise ValueError("discriminator.scales must be among objective.scales")
        return self

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this: the networks' halvings and their scale."""
        halvings = [
            int(1 / self.keypoints.scale_factor) * 2**self.keypoints.num_blocks,
            int(1 / self.motion.scale_factor) * 2**self.motion.num_blocks,
            2**self.generator.num_down_blocks,
        ]
        return max(halvings)
