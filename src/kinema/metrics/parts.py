"""Measures how well parts that were found without labels match annotations.

The protocols are those of Motion-supervised Co-Part Segmentation (Siarohin et al., ICPR 2020, Sec. 4): foreground IoU,
where a union of parts is taken for the object, and the error of landmarks regressed linearly from the parts' centres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from kinema.core.checks import InputError

# All 2 ** 12 unions of parts can be tried quickly; with more parts, a union is built greedily, part by part.
EXHAUSTIVE_PARTS = 12


@dataclass(frozen=True)
class PartCounts:
    """Pixel counts from which the IoU of any union of parts can be computed without keeping the maps.

    Attributes:
        inside: (N, P) pixels of each part inside the true foreground.
        outside: (N, P) pixels of each part outside it.
        truth: (N,) pixels of the true foreground.
    """

    inside: Tensor
    outside: Tensor
    truth: Tensor

    def iou(self, parts: Sequence[int]) -> Tensor:
        """IoU of the union of ``parts`` with the true foreground: (N,) in [0, 1]; 1 if both are empty."""
        chosen = list(parts)
        intersection = self.inside[:, chosen].sum(dim=1)
        union = self.truth + self.outside[:, chosen].sum(dim=1)
        return torch.where(union > 0, intersection / union.clamp_min(1), 1.0)

    def mean_iou(self, parts: Sequence[int]) -> float:
        """Mean over the frames of :meth:`iou`."""
        return float(self.iou(parts).mean())


def count_parts(labels: Tensor, foreground: Tensor, *, num_parts: int) -> PartCounts:
    """Counts the pixels of each part inside and outside the true foreground.

    Args:
        labels: (N, H, W) integers in [0, num_parts), the part of each pixel.
        foreground: (N, H, W) bool.
        num_parts: P, including the background.

    Returns:
        Counts of N frames and P parts.

    Raises:
        InputError: the shapes differ.

    >>> labels = torch.tensor([[[0, 1], [1, 2]]])
    >>> counts = count_parts(labels, labels > 0, num_parts=3)
    >>> counts.iou([1]), counts.iou([1, 2])
    (tensor([0.6667]), tensor([1.]))
    """
    if labels.shape != foreground.shape:
        raise InputError(
            f"labels {tuple(labels.shape)} and true foreground {tuple(foreground.shape)} cannot be compared; "
            "give two of the same shape (N, H, W)"
        )
    owns = torch.nn.functional.one_hot(labels.flatten(1).long(), num_parts)  # (N, H * W, P)
    is_true = foreground.flatten(1).bool()
    inside = (owns * is_true.unsqueeze(-1)).sum(dim=1)
    return PartCounts(inside.float(), (owns.sum(dim=1) - inside).float(), is_true.sum(dim=1).float())


def merge_counts(counts: Sequence[PartCounts]) -> PartCounts:
    """The frames of several counts, one after the other: (N1 + N2 + ..., P)."""
    return PartCounts(
        torch.cat([part.inside for part in counts]),
        torch.cat([part.outside for part in counts]),
        torch.cat([part.truth for part in counts]),
    )


def choose_foreground(counts: PartCounts) -> tuple[int, ...]:
    """The union of parts with the largest mean IoU; choose it on training frames, never on those that are measured.

    Args:
        counts: of N frames and P parts.

    Returns:
        At least one label, in ascending order; of equally good unions the smaller one.
    """
    parts = range(counts.inside.shape[1])
    if len(parts) <= EXHAUSTIVE_PARTS:
        unions: list[tuple[int, ...]] = [union for size in parts for union in combinations(parts, size + 1)]
        return max(unions, key=counts.mean_iou)
    chosen: tuple[int, ...] = ()
    best = -1.0
    while len(chosen) < len(parts):
        larger: list[tuple[int, ...]] = [(*chosen, part) for part in parts if part not in chosen]
        grown = max(larger, key=counts.mean_iou)
        score = counts.mean_iou(grown)
        if score <= best:
            break
        chosen, best = grown, score
    return tuple(sorted(chosen))


def border_distance(frames: Tensor, *, width: int = 2) -> Tensor:
    """Distance of each pixel's colour from the median colour of the border: a baseline without parts.

    Args:
        frames: (N, 3, H, W) RGB in [0, 1].
        width: of the border, pixels.

    Returns:
        (N, H, W), Euclidean, in [0, sqrt(3)].
    """
    border = torch.cat(
        [
            frames[:, :, :width].flatten(2),
            frames[:, :, -width:].flatten(2),
            frames[:, :, width:-width, :width].flatten(2),
            frames[:, :, width:-width, -width:].flatten(2),
        ],
        dim=2,
    )
    colour = border.median(dim=2).values
    return (frames - colour[:, :, None, None]).norm(dim=1)


def part_centres(maps: Tensor) -> Tensor:
    """Mean position of each part's map.

    Args:
        maps: (N, K, H, W) in [0, 1], without the background.

    Returns:
        (N, K, 2) points (x, y) in [-1, 1]; the centre of the frame if a part is absent.
    """
    height, width = maps.shape[-2:]
    # The offset of the authors' code, with which even a part without pixels has a centre.
    weights = maps + 1e-6
    weights = weights / weights.sum(dim=(2, 3), keepdim=True)
    x = (weights.sum(dim=2) * torch.linspace(-1, 1, width, dtype=maps.dtype, device=maps.device)).sum(dim=-1)
    y = (weights.sum(dim=3) * torch.linspace(-1, 1, height, dtype=maps.dtype, device=maps.device)).sum(dim=-1)
    return torch.stack([x, y], dim=-1)


@dataclass(frozen=True)
class LandmarkRegression:
    """A linear regression with offset from part centres to the coordinates of landmarks.

    Attributes:
        weights: (2 K + 1, 2 L) float64, the last row is the offset.
    """

    weights: Tensor

    @staticmethod
    def fit(centres: Tensor, landmarks: Tensor) -> LandmarkRegression:
        """Fits each landmark by least squares over the frames that show it.

        Args:
            centres: (N, K, 2) of training frames.
            landmarks: (N, L, 2) pixels, NaN where a frame does not show one.

        Returns:
            The regression.

        Raises:
            InputError: no training frame shows a landmark.
        """
        inputs = _with_offset(centres)
        targets = landmarks.double().flatten(1)
        columns = []
        for index in range(targets.shape[1]):
            known = ~targets[:, index].isnan()
            if not known.any():
                raise InputError(
                    f"landmark {index // 2} is in none of the {len(targets)} training frames; leave it out"
                )
            # By the pseudo-inverse, because parts that are always absent make the system singular.
            columns.append(torch.linalg.pinv(inputs[known]) @ targets[known, index])
        return LandmarkRegression(torch.stack(columns, dim=1))

    def error(self, centres: Tensor, landmarks: Tensor) -> Tensor:
        """Absolute error of the landmarks that are shown.

        Args:
            centres: (N, K, 2) of test frames.
            landmarks: (N, L, 2) pixels, NaN where a frame does not show one.

        Returns:
            (N,) pixels: mean over coordinates and shown landmarks; NaN for a frame that shows none. The paper's table
            states the sum over coordinates instead, which is 2 L times as large.
        """
        predicted = _with_offset(centres) @ self.weights
        return (predicted - landmarks.double().flatten(1)).abs().nanmean(dim=1)


def _with_offset(centres: Tensor) -> Tensor:
    flat = centres.double().flatten(1)
    return torch.cat([flat, flat.new_ones(len(flat), 1)], dim=1)
