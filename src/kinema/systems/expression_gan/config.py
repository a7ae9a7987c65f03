"""Defines the config of expression_gan: networks, objective and training."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from kinema.core.config import Config
from kinema.sequences.code_sequence import CodeSequenceConfig
from kinema.synthesis.discriminator import PatchDiscriminatorConfig
from kinema.synthesis.frame_codes import FrameCodesConfig
from kinema.systems.labelled_faces import LabelledFacesConfig
from kinema.train.config import TrainConfig


class ExpressionGanObjectiveConfig(Config):
    """Weights of the losses, phases and learning rates; a weight of 0 switches its term off. All values are ours."""

    pixel: float = Field(default=20, ge=0, description="L1 of frames")
    perceptual: tuple[float, ...] = Field(default=(), description="for each map of the perceptual network")
    perceptual_network: Literal["vgg19", "efficientnet_lite0"] = Field(
        default="efficientnet_lite0", description="whose features ``perceptual`` compares"
    )
    feature_matching: float = Field(default=1, ge=0, description="distance in each map of the discriminator")
    kl: float = Field(default=1e-3, ge=0, description="divergence of the codes from a normal distribution, sum")
    code: float = Field(default=1, ge=0, description="squared distance of a sequence's codes from the true ones")
    generator_gan: float = Field(default=0.1, ge=0, description="LSGAN of generated frames; 0: no discriminator")
    identity_gan: float = Field(
        default=0.1,
        ge=0,
        description="LSGAN of pairs of the neutral and a generated frame, which must show one person; "
        "0: no identity discriminator",
    )
    label: float = Field(
        default=0.1,
        ge=0,
        description="cross entropy of the label that a judge sees in generated sequences; 0: no judge",
    )
    moments: int = Field(default=2, ge=1, description="frames of each clip that a step decodes")
    sequence_step: int = Field(default=4000, ge=0, description="step at which the image model is finished")
    joint_step: int = Field(default=7000, ge=0, description="step from which all networks are trained together")
    lr_generator: float = Field(default=2e-4, ge=0, description="learning rate of encoder and decoder")
    lr_sequence: float = Field(default=1e-3, ge=0, description="learning rate of the recurrent network")
    lr_discriminator: float = Field(default=2e-4, ge=0, description="learning rate of discriminators and judge")

    @property
    def uses_features(self) -> bool:
        """Whether a perceptual network is needed."""
        return any(weight != 0 for weight in self.perceptual)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.feature_matching and not self.generator_gan:
            raise ValueError("objective.feature_matching needs a discriminator: set objective.generator_gan above 0")
        if self.joint_step < self.sequence_step:
            raise ValueError(f"objective.joint_step {self.joint_step} is before sequence_step {self.sequence_step}")
        return self


class ExpressionGanConfig(LabelledFacesConfig):
    """Everything that defines an expression_gan model and its training."""

    image: FrameCodesConfig = FrameCodesConfig()
    sequence: CodeSequenceConfig = CodeSequenceConfig()
    discriminator: PatchDiscriminatorConfig = PatchDiscriminatorConfig()
    identity: PatchDiscriminatorConfig = PatchDiscriminatorConfig(num_channels=6)
    objective: ExpressionGanObjectiveConfig = ExpressionGanObjectiveConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.sequence.num_labels != len(self.labels):
            raise ValueError(f"sequence.num_labels is {self.sequence.num_labels}, there are {len(self.labels)} labels")
        if self.image.num_codes != self.sequence.num_codes:
            raise ValueError(f"image.num_codes is {self.image.num_codes}, sequence.num_codes {self.sequence.num_codes}")
        side = self.divisor * self.image.inner_side
        if self.size != (side, side):
            raise ValueError(f"frames.size must be [{side}, {side}]: 16 times image.inner_side")
        if (self.discriminator.num_channels, self.identity.num_channels) != (3, 6):
            raise ValueError("discriminator.num_channels must be 3, identity.num_channels 6 (two frames)")
        if any(part.use_kp or len(part.scales) != 1 for part in (self.discriminator, self.identity)):
            raise ValueError("discriminator and identity need use_kp false and one scale: leave both fields out")
        return self

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return self.image.divisor
