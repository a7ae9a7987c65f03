"""Defines the config of monkey_net: networks, objective and training."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from kinema.core.config import Config
from kinema.data.clips.cache import CacheConfig
from kinema.data.samples.frame_pairs import PairConfig
from kinema.data.samples.keypoint_sequences import SequenceConfig
from kinema.keypoints.zeroth_order import ZerothOrderKeypointsConfig
from kinema.motion.displacement import DisplacementMotionConfig
from kinema.sequences.keypoint_predictor import KeypointPredictorConfig
from kinema.synthesis.deformed_skip_generator import DeformedSkipGeneratorConfig
from kinema.synthesis.keypoint_discriminator import KeypointDiscriminatorConfig
from kinema.systems.frame_size import FrameSizeConfig
from kinema.train.config import TrainConfig


class MonkeyNetObjectiveConfig(Config):
    """Weights of the losses (Monkey-Net Sec. 3.5) and learning rates; a weight of 0 switches its term off."""

    reconstruction: tuple[float, ...] = Field(
        default=(10, 10, 10, 10, 1), description="L1 on the frame, then on each map of the discriminator"
    )
    reconstruction_deformed: float = Field(default=0, ge=0, description="L1 of the warped source alone")
    generator_gan: float = Field(default=1, ge=0, description="LSGAN of the generator; 0: no discriminator at all")
    discriminator_gan: float = Field(default=1, ge=0, description="LSGAN of the discriminator")
    detach_kp_generator: bool = Field(
        default=False, description="no gradient of the generator's losses reaches the keypoints"
    )
    detach_kp_discriminator: bool = Field(
        default=True, description="no gradient of the discriminator's own loss reaches the keypoints"
    )
    separation: float = Field(default=0, ge=0, description="keypoints keep apart; not in the paper, ours")
    separation_distance: float = Field(default=0.15, gt=0, description="reach of that repulsion, coordinate units")
    concentration: float = Field(default=0, ge=0, description="heatmaps are narrow; not in the paper, ours")
    lr_generator: float = Field(default=2e-4, ge=0, description="learning rate of dense motion and generator")
    lr_keypoints: float = Field(default=2e-4, ge=0, description="learning rate of the keypoint detector")
    lr_discriminator: float = Field(default=2e-4, ge=0, description="learning rate of the discriminator")
    lr_predictor: float = Field(default=1e-3, gt=0, description="learning rate of the keypoint predictor")
    prediction_samples: int = Field(
        default=4,
        ge=1,
        description="motions that a predictor with noise samples for each sequence; the best one is trained",
    )

    @property
    def uses_features(self) -> bool:
        """Whether a perceptual network is needed: never, as the discriminator's maps take its place."""
        return False


class MonkeyNetConfig(FrameSizeConfig):
    """Everything that defines a monkey_net model and its training."""

    frames: CacheConfig = CacheConfig(size=(256, 256))
    pairs: PairConfig = PairConfig()
    keypoints: ZerothOrderKeypointsConfig = ZerothOrderKeypointsConfig()
    motion: DisplacementMotionConfig | None = DisplacementMotionConfig()
    generator: DeformedSkipGeneratorConfig = DeformedSkipGeneratorConfig()
    discriminator: KeypointDiscriminatorConfig = KeypointDiscriminatorConfig()
    predictor: KeypointPredictorConfig | None = Field(
        default=None, description="predicts the motion after a first frame; trained by the stage predictor"
    )
    sequences: SequenceConfig = SequenceConfig()
    objective: MonkeyNetObjectiveConfig = MonkeyNetObjectiveConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        parts = [self.keypoints, self.generator, self.discriminator, *([] if self.motion is None else [self.motion])]
        for field in ("num_kp", "kp_variance", "num_channels"):
            values = [getattr(part, field) for part in parts]
            if any(value != values[0] for value in values):
                raise ValueError(
                    f"{field} must be equal in keypoints, motion, generator and discriminator, not {values}"
                )
        if self.predictor is not None and self.predictor.num_kp != self.keypoints.num_kp:
            raise ValueError(
                f"predictor.num_kp is {self.predictor.num_kp}, but keypoints.num_kp {self.keypoints.num_kp}; set both"
            )
        maps = self.discriminator.num_blocks + 1 if self.objective.generator_gan else 1
        if len(self.objective.reconstruction) > maps:
            raise ValueError(
                f"objective.reconstruction has {len(self.objective.reconstruction)} weights, but there are only "
                f"{maps} maps (the frame first); give fewer weights"
            )
        return self

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this: the networks' halvings and their scale."""
        halvings = [
            int(1 / self.keypoints.scale_factor) * 2**self.keypoints.num_blocks,
            2**self.generator.num_blocks,
        ]
        if self.motion is not None:
            scale = self.motion.scale_factor * self.motion.mask_embedding.scale_factor
            halvings.append(int(1 / scale) * 2**self.motion.num_blocks)
        return max(halvings)
