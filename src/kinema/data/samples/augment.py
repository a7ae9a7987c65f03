"""Augments pairs of frames by random changes of position, size and colour.

Both frames change alike, except for jitter, which moves only the driving frame, so that a still object moves too.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from kinema.core.config import Config
from kinema.ops.grid import identity_grid
from kinema.ops.warp import warp

# What each uniform random number of a pair decides. Changing the order would change the samples of a seed.
DRAW_NAMES: tuple[str, ...] = (
    "horizontal_flip",
    "time_flip",
    "rotation",
    "resize",
    "shift_x",
    "shift_y",
    "brightness",
    "contrast",
    "saturation",
    "hue",
    "jitter_rotation",
    "jitter_resize",
    "jitter_x",
    "jitter_y",
)
NUM_DRAWS = len(DRAW_NAMES)

Probability = Annotated[float, Field(ge=0, le=1)]
RGB_TO_GREY = (0.299, 0.587, 0.114)
# ITU-R BT.601 luma and the two chroma axes of NTSC, in which a change of hue is a rotation.
RGB_TO_YIQ = (RGB_TO_GREY, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


class AugmentConfig(Config):
    """How training pairs are augmented; a strength is the largest change, and changes are drawn uniformly."""

    horizontal_flip: Probability = Field(default=0.5, description="probability of mirroring left and right")
    time_flip: Probability = Field(default=0.5, description="probability of exchanging source and driving")
    rotation_degrees: float = Field(default=0.0, ge=0, le=180, description="largest rotation in either direction")
    resize: tuple[float, float] = Field(default=(1.0, 1.0), description="smallest and largest magnification, 0.25 to 4")
    crop: bool = Field(default=False, description="cut the magnified picture at a random place instead of its centre")
    crop_pad: float = Field(default=0.0, ge=0, le=1, description="with crop: how far it may pass the border, in sides")
    jitter_degrees: float = Field(default=0.0, ge=0, le=180, description="turn the driving frame alone by up to this")
    jitter_resize: tuple[float, float] = Field(default=(1.0, 1.0), description="magnify the driving frame alone")
    jitter_shift: float = Field(default=0.0, ge=0, le=1, description="move the driving frame alone, in half sides")
    outside: Literal["zeros", "border", "reflection"] = Field(
        default="border", description="how pixels outside the frame are filled"
    )
    brightness: float = Field(default=0.1, ge=0, le=1, description="factor 1 +- this on all values")
    contrast: float = Field(default=0.1, ge=0, le=1, description="factor 1 +- this on the distance from mid grey")
    saturation: float = Field(default=0.1, ge=0, le=1, description="factor 1 +- this on the distance from grey")
    hue: float = Field(default=0.1, ge=0, le=0.5, description="turn of the colour circle, 0.5 being its opposite")

    @model_validator(mode="after")
    def _check_resize(self) -> AugmentConfig:
        for name in ("resize", "jitter_resize"):
            smallest, largest = getattr(self, name)
            if not 0.25 <= smallest <= largest <= 4:
                raise ValueError(
                    f"{name} must be two growing numbers within 0.25 and 4, received {(smallest, largest)}"
                )
        return self

    @property
    def changes_geometry(self) -> bool:
        """Whether frames have to be resampled; mirroring alone does not need it."""
        alike = self.rotation_degrees > 0 or self.resize != (1.0, 1.0) or (self.crop and self.crop_pad > 0)
        return alike or self.jitters

    @property
    def jitters(self) -> bool:
        """Whether the driving frame is also moved separately."""
        return self.jitter_degrees > 0 or self.jitter_resize != (1.0, 1.0) or self.jitter_shift > 0

    @property
    def changes_colour(self) -> bool:
        """Whether any colour strength is above 0."""
        return max(self.brightness, self.contrast, self.saturation, self.hue) > 0


def no_augmentation() -> AugmentConfig:
    """A config that leaves every pair as it is."""
    return AugmentConfig(horizontal_flip=0, time_flip=0, brightness=0, contrast=0, saturation=0, hue=0)


def augment_pairs(pairs: Tensor, draws: Tensor, config: AugmentConfig) -> Tensor:
    """Applies one random change to both frames of each pair and, with jitter, another one to the driving frame.

    Args:
        pairs: (B, 2, 3, H, W) RGB in [0, 1].
        draws: (B, NUM_DRAWS) uniform in [0, 1), columns as in ``DRAW_NAMES``; same dtype and device as ``pairs``.
        config: probabilities and strengths.

    Returns:
        (B, 2, 3, H, W) RGB in [0, 1]; may be ``pairs`` itself if nothing is changed.
    """
    column = dict(zip(DRAW_NAMES, draws.unbind(dim=1), strict=True))  # each (B,)
    if config.horizontal_flip > 0:
        flipped = (column["horizontal_flip"] < config.horizontal_flip)[:, None, None, None, None]
        pairs = torch.where(flipped, pairs.flip(-1), pairs)
    if config.time_flip > 0:
        exchanged = (column["time_flip"] < config.time_flip)[:, None, None, None, None]
        pairs = torch.where(exchanged, pairs.flip(1), pairs)
    if config.changes_geometry:
        deformation = _affine_deformation(column, config, (pairs.shape[-2], pairs.shape[-1]))
        if config.jitters:
            source = warp(pairs[:, 0], deformation, padding=config.outside)
            driving = warp(pairs[:, 1], _jittered(deformation, column, config), padding=config.outside)
            pairs = torch.stack([source, driving], dim=1)
        else:
            pairs = warp(pairs.flatten(1, 2), deformation, padding=config.outside).unflatten(1, (2, 3))
    if config.changes_colour:
        matrix, offset = _colour_change(column, config)
        mixed = matrix[:, None] @ pairs.flatten(-2)  # (B, 2, 3, H * W)
        pairs = mixed.add_(offset[:, None, None, None]).clamp_(0, 1).view_as(pairs)
    return pairs


def _affine_deformation(column: dict[str, Tensor], config: AugmentConfig, size: tuple[int, int]) -> Tensor:
    """The backward grid (B, H, W, 2) of a rotation, a magnification and a shift; the rotation is one in pixels."""
    height, width = size
    smallest, largest = config.resize
    scale = smallest + (largest - smallest) * column["resize"]
    rows = _turn(_signed(column["rotation"]) * math.radians(config.rotation_degrees), scale, size)  # (B, 2, 2)
    grid = identity_grid(size, device=scale.device, dtype=scale.dtype).flatten(0, 1)  # (H * W, 2)
    deformation = grid @ rows.mT  # (B, H * W, 2)
    if config.crop:
        # The magnified picture reaches this far beyond the frame, so the cut stays inside it if crop_pad is 0.
        reach = (1 - 1 / scale).abs() + 2 * config.crop_pad
        shift = torch.stack([_signed(column["shift_x"]), _signed(column["shift_y"])], dim=1) * reach[:, None]
        deformation = deformation + shift[:, None]
    return deformation.unflatten(1, size)


def _turn(angle: Tensor, scale: Tensor, size: tuple[int, int]) -> Tensor:
    """The backward matrices (B, 2, 2) for normalised points, from (B,) angles and magnifications."""
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    # In a frame that is not square, normalised axes have different scales; without this a rotation would shear.
    aspect = (size[0] - 1) / (size[1] - 1)
    return torch.stack([cos, -sin * aspect, sin / aspect, cos], dim=1).unflatten(1, (2, 2))


def _jittered(deformation: Tensor, column: dict[str, Tensor], config: AugmentConfig) -> Tensor:
    """The grid (B, H, W, 2) of the driving frame with its additional movement."""
    smallest, largest = config.jitter_resize
    scale = smallest + (largest - smallest) * column["jitter_resize"]
    angle = _signed(column["jitter_rotation"]) * math.radians(config.jitter_degrees)
    rows = _turn(angle, scale, (deformation.shape[1], deformation.shape[2]))
    shift = torch.stack([_signed(column["jitter_x"]), _signed(column["jitter_y"])], dim=1) * config.jitter_shift
    return (deformation.flatten(1, 2) @ rows.mT + shift[:, None]).view_as(deformation)


def _colour_change(column: dict[str, Tensor], config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Matrices (B, 3, 3) and offsets (B,) that change RGB colours.

    Contrast changes about mid grey and not about the frame's mean, so that both frames of a pair change equally.
    """
    brightness, contrast, saturation = (
        1 + _signed(column[name]) * getattr(config, name) for name in ("brightness", "contrast", "saturation")
    )
    angle = _signed(column["hue"]) * (2 * math.pi * config.hue)
    to_yiq = torch.tensor(RGB_TO_YIQ, dtype=angle.dtype, device=angle.device)
    cos, sin, one, zero = torch.cos(angle), torch.sin(angle), torch.ones_like(angle), torch.zeros_like(angle)
    # A rotation of the chroma plane, scaled by the saturation; luma does not change.
    chroma = torch.stack(
        [one, zero, zero, zero, saturation * cos, -saturation * sin, zero, saturation * sin, saturation * cos], dim=1
    ).unflatten(1, (3, 3))  # (B, 3, 3)
    matrix = torch.linalg.inv(to_yiq) @ chroma @ to_yiq
    return matrix * (brightness * contrast)[:, None, None], 0.5 * (1 - contrast)


def _signed(draw: Tensor) -> Tensor:
    """Maps [0, 1) to [-1, 1)."""
    return 2 * draw - 1
