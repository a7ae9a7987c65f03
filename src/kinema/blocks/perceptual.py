"""Defines the interface of frozen perceptual networks: frames in, a list of feature maps from fine to coarse out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.core.checks import InputError


class PerceptualFeatures(nn.Module):
    """A frozen image network whose features are taken at several depths.

    Its parameters have no gradients, but gradients flow to the frames. Training changes nothing in it, so checkpoints
    record ``name`` and ``sha256`` instead of its weights.

    Attributes:
        name: its name for ``load_features``.
        sha256: hexadecimal digest of the weight file, empty if the weights come from no file.
        num_maps: how many maps ``features`` returns.
    """

    name: str = ""
    mean: Tensor
    std: Tensor

    def __init__(self, *, num_maps: int, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        super().__init__()
        self.num_maps = num_maps
        self.sha256 = ""
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))

    def freeze(self) -> None:
        """Turns off the gradients of all parameters and leaves training mode."""
        self.requires_grad_(False)
        self.eval()

    def normalise(self, frames: Tensor) -> Tensor:
        """Normalises frames as the network's training data were.

        Args:
            frames: (B, 3, H, W) in [0, 1].

        Returns:
            (B, 3, H, W), of about zero mean and unit spread.
        """
        return (frames - self.mean.to(frames.dtype)) / self.std.to(frames.dtype)

    def features(self, frames: Tensor) -> list[Tensor]:
        """Feature maps of ``frames``, from fine to coarse.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1].

        Returns:
            ``num_maps`` maps (B, C_i, H_i, W_i), any range.
        """
        raise NotImplementedError

    def forward(self, frames: Tensor) -> list[Tensor]:
        """The same as ``features``: ``num_maps`` maps (B, C_i, H_i, W_i) of frames (B, 3, H, W) in [0, 1]."""
        return self.features(frames)


def check_depth(depth: int | None, deepest: int, *, name: str) -> int:
    """The number of maps to build.

    Args:
        depth: how many maps are wanted, from 1 to ``deepest``; None stands for all of them.
        deepest: how many the network has.
        name: the network, for the message.

    Raises:
        InputError: ``depth`` is out of range.
    """
    if depth is None:
        return deepest
    if not 1 <= depth <= deepest:
        raise InputError(f"{name}: depth {depth} is out of range; give 1 (finest map only) to {deepest} (all maps)")
    return depth
