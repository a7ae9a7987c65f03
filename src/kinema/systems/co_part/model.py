"""Joins the stages of co_part: from frames to parts, to motion, to a generated frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn

from kinema.core.checks import InputError
from kinema.core.types import Keypoints, Motion, TensorGroup
from kinema.keypoints.parts import PartSegmentation
from kinema.motion.parts import carry_segmentation, part_motion
from kinema.synthesis.part_swap import swap_parts
from kinema.synthesis.warping_generator import WarpingGenerator
from kinema.systems.co_part.config import CoPartConfig


@dataclass(frozen=True)
class EncodedSource(TensorGroup):
    """The part of the computation for a source that many frames share.

    Attributes:
        frame: (B, 3, H, W) RGB in [0, 1].
        features: (B, C, h', w') of the generator's encoder.
        kp: keypoints of its parts.
    """

    frame: Tensor
    features: Tensor
    kp: Keypoints


def check_parts(parts: Sequence[int], count: int) -> None:
    """Refuses indices that are not below ``count``, the number of classes with the background.

    Raises:
        InputError: an index is refused, or none is given.
    """
    if not parts or any(not 0 <= part < count for part in parts):
        raise InputError(f"parts {list(parts)}: give one or more of 0 (background) to {count - 1}")


class CoPartModel(nn.Module):
    """Part segmentation and generator; the motion between them has no weights."""

    def __init__(self, config: CoPartConfig) -> None:
        super().__init__()
        self.config = config
        self.keypoints = PartSegmentation(config.keypoints)
        self.generator = WarpingGenerator(config.generator)

    def encode(self, source: Tensor) -> EncodedSource:
        """Prepares (B, 3, H, W) sources in [0, 1]; H and W multiples of ``config.divisor``."""
        return EncodedSource(source, self.generator.encode(source), self.keypoints(source))

    def animate(self, source: EncodedSource, kp_driving: Keypoints) -> tuple[Tensor, Motion]:
        """The source in the pose of ``kp_driving``.

        Args:
            source: from :meth:`encode`, B rows or one for all.
            kp_driving: B rows; without ``segmentation`` the source's own parts are carried to that pose.

        Returns:
            Frames (B, 3, H, W) in [0, 1], and the motion that was applied.
        """
        if kp_driving.segmentation is None:
            kp_driving = replace(kp_driving, segmentation=carry_segmentation(source.kp, kp_driving))
        motion = part_motion(source.kp, kp_driving, visibility=self.config.visibility)
        return self.generator(source.frame, motion, source.features), motion

    def swap(
        self,
        source: EncodedSource,
        target: Tensor,
        parts: Sequence[int],
        *,
        hard: bool = False,
        of_source: bool = False,
        segmentation: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Target frames whose ``parts`` come from the source.

        Args:
            source: from :meth:`encode`, one row for all or B rows.
            target: (B, 3, H, W) in [0, 1].
            parts: indices into the segmentation; 0 is the background, 1 to K the parts.
            hard: take each pixel wholly from one side instead of blending.
            of_source: take the parts' outline from the source, moved; otherwise from the target.
            segmentation: (B, N, h, w) weights of N classes, sum 1, from a parser; of the source if ``of_source``, else
                of the target; None: the model's own parts.

        Returns:
            Frames (B, 3, H, W) in [0, 1], and where they show the source: (B, 1, h', w') in [0, 1].

        Raises:
            InputError: there is no such part.
        """
        kp_target = self.keypoints(target)
        motion = part_motion(source.kp, kp_target, visibility=self.config.visibility)
        if segmentation is None:
            segmentation = (source.kp if of_source else kp_target).segmentation
            assert segmentation is not None
        check_parts(parts, segmentation.shape[1])
        blend = segmentation[:, sorted(set(parts))].sum(dim=1, keepdim=True)
        blend = (blend > 0.5).to(blend.dtype) if hard else blend
        return swap_parts(self.generator, (source.frame, source.features), target, motion, blend, of_source=of_source)

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Moves (B, 3, H, W) sources as (B, 3, H, W) driving frames, absolutely; returns (B, 3, H, W) in [0, 1]."""
        return self.animate(self.encode(source), self.keypoints(driving))[0]
