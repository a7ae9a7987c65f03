"""Defines the config of smile: networks, objective and training."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from kinema.core.config import Config
from kinema.faces.landmarks import GROUPS
from kinema.motion.dense import DenseMotionConfig
from kinema.sequences.landmark_modes import LandmarkModesConfig
from kinema.synthesis.discriminator import PatchDiscriminatorConfig
from kinema.synthesis.landmark_unet import LandmarkUNetConfig
from kinema.synthesis.warping_generator import WarpingGeneratorConfig
from kinema.systems.labelled_faces import LabelledFacesConfig
from kinema.systems.smile.landmark_objective import LandmarkObjectiveConfig
from kinema.train.config import TrainConfig

# The source, the drawing of landmarks, and the frame that is judged.
JUDGED_CHANNELS = 7


class TranslatorConfig(Config):
    """The network that turns landmarks into frames; only the one of the chosen kind is built."""

    kind: Literal["warp", "unet"] = Field(
        default="warp", description="unet is the paper's; warp moves the source's own pixels, ours"
    )
    unet: LandmarkUNetConfig = LandmarkUNetConfig()
    motion: DenseMotionConfig = DenseMotionConfig(num_kp=len(GROUPS))
    generator: WarpingGeneratorConfig = WarpingGeneratorConfig(blend_source=True)
    hint_channels: int = Field(default=16, ge=1, description="width of what encodes the drawing for the generator")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.motion.num_kp != len(GROUPS):
            raise ValueError(f"translator.motion.num_kp is {self.motion.num_kp}, there are {len(GROUPS)} groups")
        if not (self.motion.align_corners and self.generator.align_corners):
            raise ValueError("translator.motion.align_corners and translator.generator.align_corners must be true")
        if self.kind == "warp" and not self.generator.blend_source:
            raise ValueError("translator.generator.blend_source must be true: a smile keeps most of the pixels")
        return self

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        if self.kind == "unet":
            return 2**self.unet.num_levels
        return max(int(1 / self.motion.scale_factor) * 2**self.motion.num_blocks, 2**self.generator.num_down_blocks)


class SmileObjectiveConfig(Config):
    """Weights of the losses and learning rates; a weight of 0 switches its term off."""

    landmarks: LandmarkObjectiveConfig = LandmarkObjectiveConfig()
    pixel: float = Field(default=100, ge=0, description="L1 of frames; 100 is pix2pix's, on colours twice as far apart")
    mouth: float = Field(default=1, ge=1, description="how much more a pixel at the mouth counts in pixel")
    warped: float = Field(default=0, ge=0, description="L1 of the warped source alone; of translator.kind warp")
    perceptual: tuple[float, ...] = Field(default=(), description="for each map of the perceptual network")
    perceptual_network: Literal["vgg19", "efficientnet_lite0"] = Field(
        default="efficientnet_lite0", description="whose features ``perceptual`` compares"
    )
    gan: Literal["nonsaturating", "lsgan"] = Field(default="lsgan", description="form of the adversarial loss")
    generator_gan: float = Field(default=1, ge=0, description="GAN of the translator; 0: no discriminator at all")
    discriminator_gan: float = Field(default=1, ge=0, description="GAN of the discriminator")
    gan_start_step: int = Field(default=0, ge=0, description="step from which on both take part")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="in the U-Net's two innermost levels")
    lr_translator: float = Field(default=2e-4, ge=0, description="learning rate of the translator; 0: no frames")
    lr_discriminator: float = Field(default=2e-4, ge=0, description="learning rate of the discriminator")

    @property
    def uses_features(self) -> bool:
        """Whether a perceptual network is needed."""
        return self.lr_translator != 0 and any(weight != 0 for weight in self.perceptual)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.lr_translator == 0 and self.landmarks.learning_rate == 0:
            raise ValueError("objective.lr_translator and objective.landmarks.learning_rate are both 0: nothing learns")
        return self


class SmileConfig(LabelledFacesConfig):
    """Everything that defines a smile model and its training."""

    landmarks: LandmarkModesConfig = LandmarkModesConfig()
    translator: TranslatorConfig = TranslatorConfig()
    discriminator: PatchDiscriminatorConfig = PatchDiscriminatorConfig(num_channels=JUDGED_CHANNELS)
    sequences_per_pair: int = Field(default=4, ge=1, description="landmark sequences a step for each pair of frames")
    objective: SmileObjectiveConfig = SmileObjectiveConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.landmarks.num_labels != len(self.labels):
            raise ValueError(
                f"landmarks.num_labels is {self.landmarks.num_labels}, there are {len(self.labels)} labels"
            )
        if self.discriminator.num_channels != JUDGED_CHANNELS or self.discriminator.use_kp:
            raise ValueError(f"discriminator.num_channels must be {JUDGED_CHANNELS} and discriminator.use_kp false")
        if len(self.discriminator.scales) != 1:
            raise ValueError("discriminator.scales must be one number: frames are judged at one scale")
        return self

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return self.translator.divisor
