"""Generates a person in one pose after another from one picture, in constant memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.framing.pixels import to_frames, to_images
from kinema.people.skeleton import JOINTS, scale_joints
from kinema.systems.deformable_gan.model import Person
from kinema.systems.pipeline import ModelPipeline
from kinema.video import resize


class DeformableGanPipeline(ModelPipeline):
    """A trained model, ready to bring people into other poses."""

    def prepare(self, source: np.ndarray, joints: Joints) -> Repose:
        """Everything that is computed once for a person.

        Args:
            source: a picture, uint8 (H, W, 3), with the aspect ratio of the training pictures; it is resized.
            joints: one row, value (1, 18, 2) in pixels of the picture.

        Returns:
            An object whose ``step`` takes poses.
        """
        _check(joints)
        picture = (source.shape[0], source.shape[1])
        small = source if picture == self.size else resize(source, self.size)
        frame = to_frames(small[None]).to(self.device)
        with torch.no_grad(), self.autocast():
            person = self.model.encode(frame, scale_joints(joints, picture, self.size).to(self.device))
        return Repose(self, person, picture)

    @property
    def has_matte(self) -> bool:
        """Whether the model generates a matte of the person."""
        return self.model.config.generator.matte

    @property
    def sees_background(self) -> bool:
        """Whether the model generates the person in front of a given background."""
        return self.model.config.generator.background

    @torch.no_grad()
    def repose(self, frames: Tensor, joints_source: Joints, joints_driving: Joints) -> Tensor:
        """Several people at once, each in one pose.

        Args:
            frames: (B, 3, height, width) in [0, 1], of the model's size.
            joints_source: of the frames, value (B, 18, 2) in their pixels.
            joints_driving: the wanted poses, B rows.

        Returns:
            (B, 3, height, width) in [0, 1], on the CPU.

        Raises:
            InputError: the model needs a background.
        """
        if self.sees_background:
            raise InputError("this model needs a background, which repose cannot give; use prepare and step")
        poses = joints_source.to(self.device), joints_driving.to(self.device)
        with self.autocast():
            generated = self.model(frames.to(self.device), *poses)
        return generated.float().clamp(0, 1).cpu()


class Repose:
    """A prepared person."""

    def __init__(self, pipeline: DeformableGanPipeline, person: Person, picture: tuple[int, int]) -> None:
        self._pipeline = pipeline
        self._person = person
        self._picture = picture

    def step(self, joints: Joints, *, background: np.ndarray | None = None) -> np.ndarray:
        """The person in the next pose: the picture of :meth:`step_with_matte`, uint8 (height, width, 3)."""
        return self.step_with_matte(joints, background=background)[0]

    @torch.no_grad()
    def step_with_matte(
        self, joints: Joints, *, background: np.ndarray | None = None
    ) -> tuple[np.ndarray, Tensor | None]:
        """The person in the next pose, with a matte.

        Args:
            joints: one row, value (1, 18, 2) in pixels of the source's picture.
            background: uint8 (H, W, 3) of the source's size, for a model that sees one.

        Returns:
            A uint8 (height, width, 3) picture of the model's size, and (1, 1, height, width) in [0, 1], 1 where the
            person is; None where ``pipeline.has_matte`` is False.

        Raises:
            InputError: the model needs a background and there is none.
        """
        _check(joints)
        pipeline = self._pipeline
        behind: Tensor | None = None
        if pipeline.sees_background:
            if background is None:
                raise InputError("this model generates the person in front of a background; give a picture of it")
            behind = to_frames(resize(background, pipeline.size)[None]).to(pipeline.device)
        scaled = scale_joints(joints, self._picture, pipeline.size).to(pipeline.device)
        with pipeline.autocast():
            generated, matte = pipeline.model.repose_with_matte(self._person, scaled, background=behind)
        return to_images(generated.float())[0], None if matte is None else matte.float().cpu()


def _check(joints: Joints) -> None:
    if joints.value.shape != (1, len(JOINTS), 2):
        raise InputError(f"a pose is one row of {len(JOINTS)} points, not {tuple(joints.value.shape)}")
