"""Where in a picture a person and its poses are -> the windows that networks know people in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kinema.core.types import Joints
from kinema.people.skeleton import joint_indices, torso_length

# Medians over the training images of data/people: what the joints take up of a frame's height and (the widest
# twentieth) width, how much of it is above them, and the height in torso lengths.
JOINTS_HEIGHT, JOINTS_WIDTH = 0.77, 0.75
ABOVE_JOINTS = 0.115
FRAME_IN_TORSOS = 4.25
_ANKLES = joint_indices("right_ankle", "left_ankle")


@dataclass(frozen=True)
class PersonWindow:
    """A rectangle about a person.

    Attributes:
        box: (x, y, width, height) in pixels of the picture; it may reach outside.
    """

    box: tuple[int, int, int, int]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the picture."""
        return self.box[3], self.box[2]

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """What it shows of a uint8 (H, W, 3) picture, the picture's edge repeated outside: (height, width, 3)."""
        x, y, width, height = self.box
        rows = np.arange(y, y + height).clip(0, picture.shape[0] - 1)
        columns = np.arange(x, x + width).clip(0, picture.shape[1] - 1)
        return picture[rows[:, None], columns]

    def inside(self, joints: Joints) -> Joints:
        """Joints (B, 18, 2) of the picture, in pixels of the window."""
        return Joints(joints.value - joints.value.new_tensor(self.box[:2]), joints.present)


def window_height(joints: Joints, aspect: float) -> float:
    """How high a window must be, in pixels, so that all poses are in it as the training images have them.

    Args:
        joints: value (B, 18, 2) of the same picture, each row with a joint or more.
        aspect: width of the window by its height.
    """
    low, high = _extent(joints)
    sides = high - low
    by_torso = torch.where(_has_feet(joints), 0, FRAME_IN_TORSOS * torso_length(joints))
    heights = torch.stack([sides[:, 1] / JOINTS_HEIGHT, sides[:, 0] / (aspect * JOINTS_WIDTH), by_torso])
    return float(heights.max())


def window_about(joints: Joints, height: float, aspect: float) -> PersonWindow:
    """The window of a height, in pixels, about a pose of one row; it has at least 2 x 2 pixels."""
    low, high = _extent(joints)
    centre = (low[0] + high[0]) / 2
    if not _has_feet(joints)[0]:
        # Half a body hangs from the head; what is below it is left to the model.
        centre = torch.stack([centre[0], low[0, 1] + (0.5 - ABOVE_JOINTS) * height])
    box_height, box_width = max(2, round(height)), max(2, round(height * aspect))
    x, y = (round(float(value)) for value in centre)
    return PersonWindow((x - box_width // 2, y - box_height // 2, box_width, box_height))


def _extent(joints: Joints) -> tuple[Tensor, Tensor]:
    """(B, 2) least and largest (x, y) of the joints that are there."""
    there = joints.present[..., None]
    return (
        torch.where(there, joints.value, torch.inf).amin(dim=1),
        torch.where(there, joints.value, -torch.inf).amax(dim=1),
    )


def _has_feet(joints: Joints) -> Tensor:
    """(B,) bool."""
    return joints.present[:, _ANKLES].any(dim=1)
