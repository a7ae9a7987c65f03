"""One schema for the networks, the objective and the training of co_part."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from kinema.core.config import Config
from kinema.data.clips.cache import CacheConfig
from kinema.data.samples.frame_pairs import PairConfig
from kinema.keypoints.parts import PartSegmentationConfig
from kinema.synthesis.warping_generator import WarpingGeneratorConfig
from kinema.train.config import TrainConfig


class CoPartObjectiveConfig(Config):
    """Weights of the losses (Sec. 3.4) and learning rates; a weight of 0 switches its term off."""

    scales: tuple[float, ...] = Field(default=(1.0, 0.5, 0.25, 0.125), min_length=1, description="of the image pyramid")
    pixel: tuple[float, ...] = Field(default=(), description="L1 on each level of the pyramid; not in the paper, ours")
    perceptual: tuple[float, ...] = Field(
        default=(10, 10, 10, 10, 10), description="for each map of the perceptual network"
    )
    perceptual_network: Literal["vgg19", "efficientnet_lite0"] = Field(
        default="vgg19", description="vgg19 is the paper's"
    )
    equivariance: float = Field(default=10, ge=0, description="shifts and affine maps follow a transform of the frame")
    area: float = Field(
        default=0,
        ge=0,
        description="cost of every pixel that a part claims, so that what nothing tells apart is background; "
        "not in the paper, ours",
    )
    sigma_affine: float = Field(default=0.05, ge=0, description="strength of the transform's affine part")
    sigma_thin_plate: float = Field(default=0.005, ge=0, description="strength of its bumps")
    grid_points: int = Field(default=5, ge=2, description="control points of the bumps along an axis")
    lr_generator: float = Field(default=2e-4, ge=0, description="learning rate of the generator")
    lr_keypoints: float = Field(default=2e-4, ge=0, description="learning rate of the segmentation")

    @property
    def uses_features(self) -> bool:
        """Whether a perceptual network is needed."""
        return any(weight != 0 for weight in self.perceptual)


class CoPartConfig(Config):
    """Everything that defines a co_part model and its training."""

    frames: CacheConfig = CacheConfig(size=(256, 256))
    pairs: PairConfig = PairConfig()
    keypoints: PartSegmentationConfig = PartSegmentationConfig()
    generator: WarpingGeneratorConfig = WarpingGeneratorConfig()
    visibility: bool = Field(default=True, description="dim features where parts of the source hide the background")
    objective: CoPartObjectiveConfig = CoPartObjectiveConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.objective.pixel and len(self.objective.pixel) != len(self.objective.scales):
            raise ValueError("objective.pixel needs one weight for each of objective.scales, or none")
        if self.objective.lr_generator == self.objective.lr_keypoints == 0:
            raise ValueError("objective.lr_generator and objective.lr_keypoints are both 0: nothing would learn")
        divisor = self.divisor
        if self.size[0] % divisor or self.size[1] % divisor:
            raise ValueError(f"frames.size (height, width) must be multiples of {divisor} for these networks")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames it learns from."""
        return self.frames.size

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this: the networks' halvings and their scale."""
        segmentation = int(1 / self.keypoints.scale_factor) * 2**self.keypoints.num_blocks
        return max(segmentation, 2**self.generator.num_down_blocks)
