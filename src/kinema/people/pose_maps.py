"""Draws a pose as maps for a network: a Gaussian for each joint, or a stick man."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Joints
from kinema.ops.polygon import inside_polygon
from kinema.people.skeleton import TORSO, joint_indices

STICKMAN_CHANNELS = 3
NOTHING = 1e-18
_HALF = 0.5
# For a frame 128 pixels wide.
_LINE_HALF_WIDTH = 3
_SIDES = tuple(
    tuple(
        joint_indices(f"{side}_{start}", f"{side}_{end}")
        for start, end in (
            *(("ankle", "knee"), ("knee", "hip"), ("hip", "shoulder")),
            *(("shoulder", "elbow"), ("elbow", "wrist")),
        )
    )
    for side in ("right", "left")
)
# pose-gan's table of names swaps the eyes relative to its annotations, so its right channel shows the left eye.
_EYES = joint_indices("left_eye", "right_eye")


def joint_heatmap(joints: Joints, size: tuple[int, int], *, sigma: float = 6.0) -> Tensor:
    """A Gaussian around each joint, 1 at the peak; the map of a missing joint is 0.

    Args:
        joints: value (B, 18, 2) in pixels.
        size: (height, width) of the maps.
        sigma: standard deviation in pixels.

    Returns:
        (B, 18, height, width) in [0, 1], in the dtype of the joints.
    """
    value = torch.where(joints.present[..., None], joints.value, 0)
    columns, rows = (torch.arange(side, dtype=value.dtype, device=value.device) for side in (size[1], size[0]))
    # A Gaussian is a product of two profiles: 18 * (H + W) exponentials instead of 18 * H * W.
    along_x = _profile(columns - value[..., :1], sigma)  # (B, 18, W)
    along_y = _profile(rows - value[..., 1:], sigma)  # (B, 18, H)
    return (along_y * joints.present[..., None])[..., None] * along_x[..., None, :]


def _profile(offsets: Tensor, sigma: float) -> Tensor:
    """A Gaussian of (B, 18, N) offsets, exactly 0 in its far tails.

    Products of two such tails would be denormal numbers, with which a convolution takes a sixth longer.
    """
    values = torch.exp(-(offsets**2) / (2 * sigma**2))
    return torch.where(values < NOTHING, 0, values)


def stickman(joints: Joints, size: tuple[int, int]) -> Tensor:
    """A drawing of the pose: right limbs, left limbs, torso (after Esser et al., "A Variational U-Net", CVPR 2018).

    The line from neck to nose is in both of the first two channels at half strength, the line to each eye in one.

    Args:
        joints: value (B, 18, 2) in pixels.
        size: (height, width).

    Returns:
        (B, 3, height, width) in [0, 1], in the dtype of the joints.
    """
    exact = torch.where(joints.present[..., None], joints.value.double(), 0)
    half_width = int(_LINE_HALF_WIDTH * size[1] / 128)
    nose, *shoulders = joint_indices("nose", "right_shoulder", "left_shoulder")

    def lines(pairs: list[tuple[Tensor, Tensor]], there: Tensor) -> Tensor:
        """(B, N, H, W) bool of N lines, each between two (B, 2) points; empty where (B, N) ``there`` is False."""
        starts, ends = (torch.stack(points, dim=1) for points in zip(*pairs, strict=True))
        drawn = inside_polygon(_line_corners(starts, ends, half_width), size)
        return drawn & (there & (starts != ends).any(dim=-1))[..., None, None]

    def has(*indices: int) -> Tensor:
        return joints.present[:, indices].all(dim=1)

    sides = [
        lines([(exact[:, a], exact[:, b]) for a, b in side], torch.stack([has(a, b) for a, b in side], dim=1)).any(
            dim=1
        )
        for side in _SIDES
    ]
    neck = exact[:, shoulders].mean(dim=1)
    has_neck = has(nose, *shoulders)
    has_eyes = has_neck & has(*_EYES)
    head = lines(
        [(neck, exact[:, nose]), *((exact[:, nose], exact[:, eye]) for eye in _EYES)],
        torch.stack([has_neck, has_eyes, has_eyes], dim=1),
    )
    # In order around the polygon of the four joints.
    torso = inside_polygon(exact[:, [TORSO[1], TORSO[2], TORSO[3], TORSO[0]]], size) & has(*TORSO)[:, None, None]
    channels = [
        side.double().masked_fill(head[:, 0] | eye, _HALF)
        for side, eye in zip(sides, head[:, 1:].unbind(dim=1), strict=True)
    ]
    return torch.stack([*channels, torso.double()], dim=1).to(joints.value.dtype)


def _line_corners(start: Tensor, end: Tensor, half_width: int) -> Tensor:
    """(B, N, 4, 2) corners of lines between (B, N, 2) points; for a line of length 0 all four are the same point."""
    along = start - end
    across = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    length = across.norm(dim=-1, keepdim=True)
    across = half_width * across / torch.where(length > 0, length, 1)
    return torch.stack([start + across, start - across, end - across, end + across], dim=2)
