"""Joins the stages of deformable_gan: from a person and a pose to limb motion, to the person in that pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from kinema.core.types import Joints, LimbMotion
from kinema.motion.limbs import DeformableSkips
from kinema.people.pose_maps import joint_heatmap, stickman
from kinema.synthesis.pose_generator import PoseGenerator
from kinema.systems.deformable_gan.config import DeformableGanConfig


@dataclass(frozen=True)
class Person:
    """The part of the computation for a source that many poses share.

    Attributes:
        frame: (B, 3, H, W) RGB in [0, 1].
        pose: (B, C, H, W) maps of its pose.
        joints: of its pose.
        features: of the generator, finest first; empty if one encoder sees both poses.
    """

    frame: Tensor
    pose: Tensor
    joints: Joints
    features: tuple[Tensor, ...]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frame."""
        return self.frame.shape[2], self.frame.shape[3]


class DeformableGanModel(nn.Module):
    """Deformable skips and generator."""

    def __init__(self, config: DeformableGanConfig) -> None:
        super().__init__()
        self.config = config
        self.motion = DeformableSkips(config.motion)
        self.generator = PoseGenerator(config.generator)

    def pose_maps(self, joints: Joints, size: tuple[int, int]) -> Tensor:
        """The maps of joints (B, 18, 2) that the networks see: (B, C, height, width) in [0, 1]."""
        if self.config.pose.maps == "stickman":
            return stickman(joints, size)
        return joint_heatmap(joints, size, sigma=self.config.pose.sigma)

    def encode(self, source: Tensor, joints: Joints) -> Person:
        """Prepares (B, 3, H, W) sources in [0, 1] with their joints; H and W multiples of ``config.divisor``."""
        pose = self.pose_maps(joints, (source.shape[2], source.shape[3]))
        features = self.generator.encode_appearance(source, pose) if self.config.generator.two_encoders else ()
        return Person(source, pose, joints, features)

    def move(self, person: Person, joints: Joints) -> LimbMotion | None:
        """The motion from B poses to the person's own."""
        return self.motion(person.joints, joints, person.size)

    def repose(
        self,
        person: Person,
        joints: Joints,
        *,
        motion: LimbMotion | None = None,
        background: Tensor | None = None,
    ) -> Tensor:
        """The person in other poses: the frame of :meth:`repose_with_matte`, (B, 3, H, W) in [0, 1]."""
        return self.repose_with_matte(person, joints, motion=motion, background=background)[0]

    def repose_with_matte(
        self,
        person: Person,
        joints: Joints,
        *,
        motion: LimbMotion | None = None,
        background: Tensor | None = None,
        disturb: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """The person in other poses, with a matte.

        Args:
            person: from :meth:`encode`, B rows or one for all.
            joints: B rows.
            motion: from :meth:`move`, if it is computed already.
            background: (B, 3, H, W) RGB in [0, 1], for a generator that sees one.
            disturb: of :meth:`PoseGenerator.forward`, for training.

        Returns:
            (B, 3, H, W) in [0, 1], and (B, 1, H, W) in [0, 1], 1 where the person is; None without
            ``config.generator.matte``.
        """
        pose = self.pose_maps(joints, person.size)
        if not self.config.generator.two_encoders:
            rows = (len(pose), -1, -1, -1)
            others = (pose,) if background is None else (pose, background)
            levels = self.generator.encode_appearance(person.frame.expand(rows), person.pose.expand(rows), *others)
            return _split(self.generator(levels, (), disturb=disturb))
        motion = self.move(person, joints) if motion is None else motion
        levels = self.motion.warp_all(person.features, motion, person.size)
        return _split(self.generator(levels, self.generator.encode_pose(pose, background), disturb=disturb))

    def forward(
        self, source: Tensor, joints_source: Joints, joints_driving: Joints, background: Tensor | None = None
    ) -> Tensor:
        """Brings (B, 3, H, W) sources in [0, 1] into the driving poses (B, 18, 2); returns (B, 3, H, W) in [0, 1]."""
        return self.repose(self.encode(source, joints_source), joints_driving, background=background)


def _split(generated: Tensor) -> tuple[Tensor, Tensor | None]:
    """(B, 3 or 4, H, W) to colours and matte."""
    return generated[:, :3], generated[:, 3:] if generated.shape[1] > 3 else None
