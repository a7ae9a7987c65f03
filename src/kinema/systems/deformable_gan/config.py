"""Defines the config of deformable_gan: networks, objective and training."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kinema.core.config import Config
from kinema.data.samples.person_pairs import PeopleConfig
from kinema.motion.limbs import DeformableSkipConfig
from kinema.people.pose_maps import STICKMAN_CHANNELS
from kinema.people.skeleton import JOINTS
from kinema.synthesis.pose_discriminator import PoseDiscriminatorConfig
from kinema.synthesis.pose_generator import PoseGeneratorConfig
from kinema.systems.frame_size import FrameSizeConfig
from kinema.train.config import TrainConfig

Area = Annotated[int, Field(ge=1, le=15)]


class PoseMapConfig(Config):
    """The form in which the networks see a pose."""

    maps: Literal["heatmap", "stickman"] = Field(
        default="heatmap", description="one Gaussian for each joint, or a drawing"
    )
    sigma: float = Field(default=6, gt=0, description="of the Gaussians, pixels")

    @property
    def num_channels(self) -> int:
        """Number of maps of a pose."""
        return len(JOINTS) if self.maps == "heatmap" else STICKMAN_CHANNELS


class DeformableGanObjectiveConfig(Config):
    """Weights of the losses (Deformable GANs, Sec. 3.3) and learning rates; a weight of 0 switches its term off."""

    pixel: float = Field(default=200, ge=0, description="distance of frames; 200 in [0, 1] are the paper's 100")
    pixel_area: Area = Field(default=1, description="of the nearest neighbour, odd; 1: L1, mean over the channels")
    person: float = Field(
        default=1, ge=1, description="weight of a pixel of the person in pixel, relative to the background"
    )
    perceptual: tuple[float, ...] = Field(default=(), description="for each map of the perceptual network")
    perceptual_area: Area = Field(default=1, description="as pixel_area, in the maps; the paper's is 3 or 5")
    perceptual_network: Literal["vgg19_caffe", "vgg19", "efficientnet_lite0"] = Field(
        default="vgg19_caffe", description="vgg19_caffe is the paper's: block1_conv2, block2_conv1"
    )
    matte: float = Field(default=0, ge=0, description="cross entropy of the generator's matte, mean over pixels")
    generator_gan: float = Field(default=1, ge=0, description="GAN of the generator; 0: no discriminator at all")
    discriminator_gan: float = Field(default=1, ge=0, description="GAN of the discriminator")
    gan_start_step: int = Field(default=0, ge=0, description="step from which both are trained")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="in the decoder's three coarsest blocks")
    lr_generator: float = Field(default=2e-4, ge=0, description="learning rate of the generator")
    lr_discriminator: float = Field(default=2e-4, ge=0, description="learning rate of the discriminator")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for name in ("pixel_area", "perceptual_area"):
            if getattr(self, name) % 2 == 0:
                raise ValueError(f"objective.{name} {getattr(self, name)} must be odd, such as 1, 3 or 5")
        if self.person != 1 and self.pixel_area != 1:
            raise ValueError(
                f"objective.person {self.person} needs objective.pixel_area 1, "
                f"not {self.pixel_area}; set one of them to 1"
            )
        return self

    @property
    def uses_features(self) -> bool:
        """Whether a perceptual network is needed."""
        return any(weight != 0 for weight in self.perceptual)


class DeformableGanConfig(FrameSizeConfig):
    """Everything that defines a deformable_gan model and its training."""

    frames: PeopleConfig = PeopleConfig()
    pose: PoseMapConfig = PoseMapConfig()
    motion: DeformableSkipConfig = DeformableSkipConfig()
    generator: PoseGeneratorConfig = PoseGeneratorConfig()
    discriminator: PoseDiscriminatorConfig = PoseDiscriminatorConfig()
    objective: DeformableGanObjectiveConfig = DeformableGanObjectiveConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        channels = {self.pose.num_channels, self.generator.pose_channels, self.discriminator.pose_channels}
        if len(channels) != 1:
            raise ValueError(
                f"pose.maps {self.pose.maps} needs generator.pose_channels and discriminator.pose_channels "
                f"{self.pose.num_channels}, not {self.generator.pose_channels} and {self.discriminator.pose_channels}"
            )
        if self.generator.two_encoders != (self.motion.kind != "none"):
            raise ValueError(
                f"generator.two_encoders {self.generator.two_encoders} does not fit motion.kind {self.motion.kind}: "
                "use one encoder if nothing moves (none), otherwise two"
            )
        if self.generator.matte != (self.objective.matte > 0):
            raise ValueError("generator.matte needs objective.matte above 0, and the reverse; set both or none")
        if self.generator.background != self.discriminator.background:
            raise ValueError("generator.background and discriminator.background must be equal; set both")
        if self.discriminator.background and self.discriminator.kind != "call":
            raise ValueError("discriminator.background needs discriminator.kind call")
        if self.discriminator.kind == "warp" and self.motion.kind not in ("mask", "full"):
            raise ValueError("discriminator.kind warp needs motion.kind mask or full")
        if self.discriminator.size != self.frames.size:
            raise ValueError(
                f"discriminator.size and frames.size must be equal, not {list(self.discriminator.size)} and "
                f"{list(self.frames.size)}; set both"
            )
        return self

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return 2 ** (self.generator.num_levels - 1)
