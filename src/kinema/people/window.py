"""Computes the window of a picture that shows a person, and its poses, as the training images do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kinema.core.types import Joints
from kinema.people.skeleton import joint_indices, torso_length

# Measured on the training images of data/people: the fraction of a frame's height that the joints span (median) and of
# its width (the 95th percentile), the fraction above them, and the frame's height in torso lengths (medians).
JOINTS_HEIGHT, JOINTS_WIDTH = 0.77, 0.75
ABOVE_JOINTS = 0.115
FRAME_IN_TORSOS = 4.25
_ANKLES = joint_indices("right_ankle", "left_ankle")


@dataclass(frozen=True)
class PersonWindow:
    """A rectangle around a person.

    Attributes:
        box: (x, y, width, height) in pixels of the picture; it may reach outside.
    """

    box: tuple[int, int, int, int]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the picture."""
        return self.box[3], self.box[2]

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """Cuts the window out of a uint8 (H, W, 3) picture, whose edge is repeated outside: (height, width, 3)."""
        x, y, width, height = self.box
        rows = np.arange(y, y + height).clip(0, picture.shape[0] - 1)
        columns = np.arange(x, x + width).clip(0, picture.shape[1] - 1)
        return picture[rows[:, None], columns]

    def inside(self, joints: Joints) -> Joints:
        """Converts joints (B, 18, 2) of the picture to pixels of the window."""
        return Joints(joints.value - joints.value.new_tensor(self.box[:2]), joints.present)


def window_height(joints: Joints, aspect: float) -> float:
    """The height in pixels of a window that shows all poses at the size that people have in the training images.

    Args:
        joints: value (B, 18, 2) of the same picture, each row with one joint or more.
        aspect: width of the window divided by its height.
    """
    low, high = _extent(joints)
    sides = high - low
    by_torso = torch.where(_has_feet(joints), 0, FRAME_IN_TORSOS * torso_length(joints))
    heights = torch.stack([sides[:, 1] / JOINTS_HEIGHT, sides[:, 0] / (aspect * JOINTS_WIDTH), by_torso])
    return float(heights.max())


def window_about(joints: Joints, height: float, aspect: float) -> PersonWindow:
    """The window of a given height, in pixels, around a pose of one row; it has at least 2 x 2 pixels."""
    low, high = _extent(joints)
    centre = (low[0] + high[0]) / 2
    if not _has_feet(joints)[0]:
        # If feet are missing, the window is placed by the head, and what is below is left to the model.
        centre = torch.stack([centre[0], low[0, 1] + (0.5 - ABOVE_JOINTS) * height])
    box_height, box_width = max(2, round(height)), max(2, round(height * aspect))
    x, y = (round(float(value)) for value in centre)
    return PersonWindow((x - box_width // 2, y - box_height // 2, box_width, box_height))


def _extent(joints: Joints) -> tuple[Tensor, Tensor]:
    """The (B, 2) smallest and largest (x, y) of the joints that are present."""
    there = joints.present[..., None]
    return (
        torch.where(there, joints.value, torch.inf).amin(dim=1),
        torch.where(there, joints.value, -torch.inf).amax(dim=1),
    )


def _has_feet(joints: Joints) -> Tensor:
    """Whether a pose has a foot: (B,) bool."""
    return joints.present[:, _ANKLES].any(dim=1)
