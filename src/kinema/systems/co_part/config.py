"""Defines the config of co_part: networks, objective and training."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from kinema.data.clips.cache import CacheConfig
from kinema.data.samples.frame_pairs import PairConfig
from kinema.keypoints.parts import PartSegmentationConfig
from kinema.synthesis.warping_generator import WarpingGeneratorConfig
from kinema.systems.frame_size import FrameSizeConfig
from kinema.systems.image_losses import PyramidLossConfig
from kinema.train.config import TrainConfig


class CoPartObjectiveConfig(PyramidLossConfig):
    """Weights of the losses (Sec. 3.4) and learning rates; a weight of 0 switches its term off."""

    equivariance: float = Field(default=10, ge=0, description="shifts and affine maps follow a transform of the frame")
    area: float = Field(
        default=0,
        ge=0,
        description="cost of every pixel that a part claims, so that regions without a clear part are background; "
        "not in the paper, ours",
    )
    sigma_affine: float = Field(default=0.05, ge=0, description="strength of the transform's affine part")
    sigma_thin_plate: float = Field(default=0.005, ge=0, description="strength of its bumps")
    grid_points: int = Field(default=5, ge=2, description="control points of the bumps along an axis")
    lr_generator: float = Field(default=2e-4, ge=0, description="learning rate of the generator")
    lr_keypoints: float = Field(default=2e-4, ge=0, description="learning rate of the segmentation")


class CoPartConfig(FrameSizeConfig):
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
        if self.objective.lr_generator == self.objective.lr_keypoints == 0:
            raise ValueError("objective.lr_generator and objective.lr_keypoints are both 0: nothing would learn")
        return self

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this: the networks' halvings and their scale."""
        segmentation = int(1 / self.keypoints.scale_factor) * 2**self.keypoints.num_blocks
        return max(segmentation, 2**self.generator.num_down_blocks)
