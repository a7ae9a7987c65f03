"""Measures whether the object that the actions move is where it should be (CADDY, CVPR 2021, Sec. 4.1: ADD and MDR)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kinema.core.checks import InputError

# Left, top, right and bottom edge of the original picture in pixels of a frame; outside the frame if the picture was
# cropped.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class DetectionErrors:
    """Detections in generated clips compared with those in true ones, for each time step.

    Attributes:
        distance: (T,) sums of distances over the clips with a detection in both.
        both: (T,) numbers of clips with a detection in both.
        missed: (T,) numbers of clips with a detection in the true clip only.
    """

    distance: Tensor
    both: Tensor
    missed: Tensor

    @property
    def average_distance(self) -> float:
        """Average detection distance (ADD), in the unit of the points; NaN if nothing was detected in both."""
        return float(self.distance.sum() / self.both.sum())

    @property
    def missed_rate(self) -> float:
        """Missing detection rate (MDR) in [0, 1]: fraction of true detections missing in the generated clips."""
        return int(self.missed.sum()) / max(1, int(self.missed.sum() + self.both.sum()))


def compare_detections(real: Tensor, generated: Tensor) -> DetectionErrors:
    """Compares the detected positions of an object.

    Args:
        real: (B, T, d) centres in true clips, not finite where nothing was detected.
        generated: (B, T, d), the same in generated clips.

    Returns:
        (T,) each, summed over clips.

    Raises:
        InputError: shapes differ.
    """
    if real.shape != generated.shape or real.ndim != 3:
        raise InputError(
            f"shapes {tuple(real.shape)} and {tuple(generated.shape)} of detections differ; give two (B, T, d)"
        )
    in_real, in_generated = (points.isfinite().all(dim=-1) for points in (real, generated))
    both = in_real & in_generated
    distances = torch.linalg.vector_norm(real.double() - generated.double(), dim=-1)
    return DetectionErrors(
        torch.where(both, distances, 0.0).sum(dim=0), both.sum(dim=0), (in_real & ~in_generated).sum(dim=0)
    )
