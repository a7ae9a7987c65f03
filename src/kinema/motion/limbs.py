"""Estimates how limbs move between the joints of two frames and warps source features so: deformable skip connections.

Deformable GANs for Pose-Based Human Image Generation (Siarohin et al., CVPR 2018), Sec. 3.2.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.core.config import Config
from kinema.core.types import Joints, LimbMotion
from kinema.ops.affine import map_points
from kinema.ops.grid import identity_grid
from kinema.ops.warp import Aggregation, Sampling, scale_transforms, warp, warp_affine, warp_parts
from kinema.people.limbs import part_masks, part_transforms, whole_transform
from kinema.people.skeleton import JOINTS

MISSING = -1.0


class DeformableSkipConfig(Config):
    """Which motion the skip connections follow."""

    kind: Literal["none", "full", "mask", "stn"] = Field(
        default="mask",
        description="mask: ten parts of the body, as in the paper; full: the whole body as one part; stn: a learned "
        "affine map; none: nothing moves",
    )
    aggregation: Aggregation = Field(default="max", description="how parts that overlap are joined")
    sampling: Sampling = Field(default="nearest", description="of masked parts and the whole body; nearest as trained")
    num_warped: int = Field(default=4, ge=0, description="skips that are moved, finest first; coarser ones stay")


class DeformableSkips(nn.Module):
    """Warps the source's features to the driving pose. Has weights only for the kind "stn"."""

    def __init__(self, config: DeformableSkipConfig) -> None:
        super().__init__()
        self.config = config
        if config.kind == "stn":
            self.localization = nn.Sequential(
                nn.Linear(4 * len(JOINTS), 64),
                nn.LeakyReLU(0.2),
                nn.Linear(64, 32),
                nn.LeakyReLU(0.2),
                nn.Linear(32, 6),
            )
            # Training starts from the identity, whatever the poses.
            last = self.localization[-1]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            last.bias.data = torch.eye(2, 3).flatten()

    def forward(self, joints_source: Joints, joints_driving: Joints, size: tuple[int, int]) -> LimbMotion | None:
        """The motion between two poses.

        Args:
            joints_source: value (B, 18, 2), or one row for all.
            joints_driving: value (B, 18, 2).
            size: (height, width) of the frames.

        Returns:
            Kind "mask": ten parts with masks. "full": one part without a mask. "stn": one part, whose transform
            (B, 1, 2, 3) acts on coordinates in [-1, 1] instead of pixels. "none": None.
        """
        rows = len(joints_driving.value)
        source = joints_source.map(lambda tensor: tensor.expand(rows, *tensor.shape[1:]))
        if self.config.kind == "mask":
            return LimbMotion(part_transforms(source, joints_driving), part_masks(joints_driving, size))
        if self.config.kind == "full":
            return LimbMotion(whole_transform(source, joints_driving))
        if self.config.kind == "stn":
            numbers = torch.cat([_coordinates(source), _coordinates(joints_driving)], dim=1)
            return LimbMotion(self.localization(numbers).unflatten(1, (1, 2, 3)))
        return None

    def warp(self, features: Tensor, motion: LimbMotion | None, size: tuple[int, int]) -> Tensor:
        """Warps features of one resolution to the driving pose.

        Args:
            features: (B, C, h, w) of the source, or one row for all.
            motion: from :meth:`forward`.
            size: (height, width) of the frames.

        Returns:
            (B, C, h, w), zero where the motion points outside the source.
        """
        if motion is None:
            return features
        features = features.expand(len(motion.transforms), -1, -1, -1)
        level = (features.shape[2], features.shape[3])
        if motion.masks is not None:
            how = self.config
            return warp_parts(
                features, motion.transforms, motion.masks, aggregation=how.aggregation, sampling=how.sampling
            )
        if self.config.kind == "full":
            transforms = scale_transforms(motion.transforms, size, level)
            return warp_affine(features, transforms, sampling=self.config.sampling)[:, 0]
        # In float32: autocast would round the sampling points to bfloat16.
        linear, shift = motion.transforms[:, 0].float().split([2, 1], dim=-1)  # (B, 2, 2) and (B, 2, 1)
        grid = identity_grid(level, device=features.device).flatten(0, 1)  # (h w, 2)
        deformation = map_points(grid, linear) + shift.mT
        return warp(features.float(), deformation.unflatten(1, level)).to(features.dtype)

    def warp_all(
        self, levels: tuple[Tensor, ...], motion: LimbMotion | None, size: tuple[int, int]
    ) -> tuple[Tensor, ...]:
        """Warps the first ``num_warped`` of the features of all resolutions, (B, C, h, w) each, finest first."""
        rows = 1 if motion is None else len(motion.transforms)
        return tuple(
            self.warp(level, motion, size)
            if index < self.config.num_warped
            else level.expand(max(rows, len(level)), -1, -1, -1)
            for index, level in enumerate(levels)
        )


def _coordinates(joints: Joints) -> Tensor:
    """(B, 36) rows and columns in pixels, -1 for missing joints: the inputs of the authors' localization network."""
    value = torch.where(joints.present[..., None], joints.value, MISSING)
    return value.flip(-1).flatten(1)
