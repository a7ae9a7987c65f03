"""One schema for the networks of monkey_net."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from kinema.core.config import Config
from kinema.keypoints.zeroth_order import ZerothOrderKeypointsConfig
from kinema.motion.displacement import DisplacementMotionConfig
from kinema.synthesis.deformed_skip_generator import DeformedSkipGeneratorConfig
from kinema.synthesis.keypoint_discriminator import KeypointDiscriminatorConfig


class MonkeyNetConfig(Config):
    """Everything that defines the networks of a monkey_net model."""

    keypoints: ZerothOrderKeypointsConfig = ZerothOrderKeypointsConfig()
    motion: DisplacementMotionConfig | None = DisplacementMotionConfig()
    generator: DeformedSkipGeneratorConfig = DeformedSkipGeneratorConfig()
    discriminator: KeypointDiscriminatorConfig = KeypointDiscriminatorConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        parts = [self.keypoints, self.generator, self.discriminator, *([] if self.motion is None else [self.motion])]
        for field in ("num_kp", "kp_variance", "num_channels"):
            values = [getattr(part, field) for part in parts]
            if any(value != values[0] for value in values):
                raise ValueError(
                    f"{field} must be equal in keypoints, motion, generator and discriminator, not {values}"
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
            halvings.append(int(1 / self.motion.scale_factor) * 2**self.motion.num_blocks)
        return max(halvings)
