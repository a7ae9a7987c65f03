"""Locates the joints of one person in frames by a small network of our own.

It replaces a pose detector on pictures that are too small for one (128x64 pixels, a torso of 30). It was trained on
real pictures of people who are in no test split, and never on generated ones. Its model card states its figures and
limits.
"""

from __future__ import annotations

import functools
from pathlib import Path

import torch
import torch.nn.functional as F
from pydantic import Field
from safetensors.torch import load_file
from torch import Tensor, nn

from kinema.blocks.conv import SameBlock
from kinema.blocks.hourglass import Hourglass
from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.core.types import Joints
from kinema.people.skeleton import JOINTS, scale_joints

WEIGHTS = Path(__file__).parent / "files" / "joint_locator" / "model.safetensors"
# Height of the training pictures; others are resized to it.
HEIGHT = 128
# Maps have half the frame's resolution.
STRIDE = 2
# The peak is refined by the mean position within this many map pixels to each side.
_REACH = 2


class JointLocatorConfig(Config):
    """Size of the network."""

    stem_channels: int = Field(default=24, ge=1, description="channels before the hourglass")
    block_expansion: int = Field(default=16, ge=1, description="channels of the hourglass at its finest scale")
    max_features: int = Field(default=96, ge=1, description="most channels of the hourglass")
    num_blocks: int = Field(default=4, ge=1, description="halvings inside the hourglass")

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return STRIDE * 2**self.num_blocks


class JointLocator(nn.Module):
    """Predicts a heatmap for each joint at half resolution."""

    def __init__(self, config: JointLocatorConfig) -> None:
        super().__init__()
        self.config = config
        # The pixels of a 2x2 cell become channels, so that a map pixel is in the middle of its cell.
        self.stem = SameBlock(3 * STRIDE**2, config.stem_channels)
        self.hourglass = Hourglass(
            config.stem_channels,
            block_expansion=config.block_expansion,
            num_blocks=config.num_blocks,
            max_features=config.max_features,
        )
        self.head = nn.Conv2d(self.hourglass.out_channels, len(JOINTS), 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        """Maps (B, 3, H, W) in [0, 1], sides multiples of ``config.divisor``, to logits (B, 18, H / 2, W / 2)."""
        cells = F.pixel_unshuffle(frames * 2 - 1, STRIDE)  # (B, 12, H/2, W/2)
        return self.head(self.hourglass(self.stem(cells)))

    @torch.no_grad()
    def locate(self, frames: Tensor) -> Tensor:
        """Locates each joint, even those that cannot be seen.

        Args:
            frames: (B, 3, H, W) in [0, 1], any size; resized to a height of 128 pixels inside.

        Returns:
            (B, 18, 2) points (x, y) in pixels of the frames.
        """
        size = (frames.shape[2], frames.shape[3])
        divisor = self.config.divisor
        wanted = (HEIGHT, max(1, round(HEIGHT * size[1] / size[0] / divisor)) * divisor)
        if wanted != size:
            frames = F.interpolate(frames, wanted, mode="bilinear", align_corners=False, antialias=True)
        points = map_peaks(self(frames))
        there = points.new_ones(points.shape[:2], dtype=torch.bool)
        small = (wanted[0] // STRIDE, wanted[1] // STRIDE)
        return scale_joints(Joints(points, there), small, size).value


def map_peaks(logits: Tensor) -> Tensor:
    """The highest pixel of each map, refined by the mean position around it.

    Args:
        logits: (B, K, H, W).

    Returns:
        (B, K, 2) points (x, y) in pixels of the maps.
    """
    height, width = logits.shape[-2:]
    heatmap = logits.flatten(2).softmax(dim=2)  # (B, K, H * W)
    peak = heatmap.argmax(dim=2)
    rows, columns = (torch.arange(side, device=logits.device, dtype=logits.dtype) for side in (height, width))
    near_row = (rows - (peak // width).unsqueeze(-1)).abs() <= _REACH  # (B, K, H)
    near_column = (columns - (peak % width).unsqueeze(-1)).abs() <= _REACH  # (B, K, W)
    near = heatmap.unflatten(2, (height, width)) * near_row.unsqueeze(-1) * near_column.unsqueeze(-2)
    near = near / near.sum(dim=(2, 3), keepdim=True)
    return torch.stack([(near.sum(dim=2) * columns).sum(dim=-1), (near.sum(dim=3) * rows).sum(dim=-1)], dim=-1)


@functools.cache
def load_joint_locator(path: Path = WEIGHTS) -> JointLocator:
    """Loads the trained network in evaluation mode; the file is read once.

    Args:
        path: safetensors with the state of a :class:`JointLocator` of default sizes, any float type.

    Raises:
        InputError: the file is missing or is from another network.
    """
    locator = JointLocator(JointLocatorConfig())
    try:
        state = {name: value.float() for name, value in load_file(path).items()}
        missing, unexpected = locator.load_state_dict(state, strict=False)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path}: no weights of the joint locator ({str(error).splitlines()[0]})") from error
    if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
        raise InputError(f"{path}: not the weights of the joint locator; install kinema again")
    return locator.eval().requires_grad_(False)
