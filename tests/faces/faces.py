"""A drawn face of 68 landmarks that smiles: known points for tests of landmarks."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.data.samples.batches import LabelledFrames, LabelledLandmarks, LandmarkPair


def template() -> Tensor:
    """(68, 2) points of a neutral face, in [-0.8, 0.8], symmetric about x = 0."""

    def arc(count: int, centre: tuple[float, float], radii: tuple[float, float], ends: tuple[float, float]) -> list:
        angles = np.radians(np.linspace(*ends, count))
        return [(centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles]

    points = arc(17, (0, -0.1), (0.75, 0.85), (180, 0))
    points += arc(5, (-0.35, -0.4), (0.2, 0.1), (200, 340)) + arc(5, (0.35, -0.4), (0.2, 0.1), (200, 340))
    points += [(0, y) for y in np.linspace(-0.25, 0.1, 4)] + arc(5, (0, 0.12), (0.12, 0.05), (180, 0))
    for side in (-0.35, 0.35):
        points += arc(7, (side, -0.2), (0.15, 0.06), (180, 540))[:6]
    points += arc(13, (0, 0.4), (0.25, 0.1), (180, 540))[:12] + arc(9, (0, 0.4), (0.2, 0.03), (180, 540))[:8]
    return torch.tensor(points, dtype=torch.float32)


def smiles(
    labels: list[int], styles: list[int], *, length: int = 8, seed: int = 0, spread: float = 0.02
) -> LabelledLandmarks:
    """A sequence for each label (0 fast, 1 slow) and style (0 wide, 1 open, 2 raised) of a person of its own."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for label, style in zip(labels, styles, strict=True):
        face = template() + spread * torch.randn(68, 2, generator=generator)
        strength = torch.linspace(0, 1, length) ** (1 if label else 0.4)
        move = torch.zeros(68, 2)
        if style == 0:
            move[[48, 59, 60], 0], move[[53, 54, 55, 64], 0] = -0.15, 0.15
        elif style == 1:
            move[56:59, 1] = move[65:68, 1] = 0.2
        else:
            move[48:51, 1] = move[52:55, 1] = -0.15
        rows.append(face + strength[:, None, None] * move)
    return LabelledLandmarks(torch.stack(rows), torch.tensor(labels))


def face_pairs(rows: int, size: tuple[int, int], *, seed: int = 0) -> LandmarkPair:
    """Random smooth frames with faces that move a little."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(2 * rows, 3, 8, 8, generator=generator)
    frames = F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
    neutral = template() + 0.05 * torch.randn(rows, 68, 2, generator=generator)
    moved = neutral + 0.05 * torch.randn(rows, 68, 2, generator=generator)
    return LandmarkPair(*frames.chunk(2), neutral, moved)


def labelled_frames(rows: int, size: tuple[int, int], *, length: int = 4, seed: int = 0) -> LabelledFrames:
    """Random smooth clips that grow darker, of labels 0 and 1 in turn."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(2 * rows, 3, 8, 8, generator=generator)
    first, stranger = F.interpolate(coarse, size=size, mode="bilinear", align_corners=False).chunk(2)
    darker = torch.linspace(1, 0.5, length)[:, None, None, None]
    return LabelledFrames(first[:, None] * darker, torch.arange(rows) % 2, stranger)
