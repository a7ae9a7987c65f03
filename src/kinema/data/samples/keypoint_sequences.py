"""Samples batches of keypoint sequences from whole clips, which depend on seed, step and row only."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.core.types import Keypoints
from kinema.data.samples.row_generators import row_generators


class SequenceConfig(Config):
    """How sequences are cut out of clips and augmented."""

    length: int = Field(default=32, ge=2, description="frames of a sequence, including the given one")
    first_frame: float = Field(default=0.0, ge=0, le=1, description="fraction that begins with a clip's first frame")
    rotation_degrees: float = Field(default=0.0, ge=0, le=180, description="turn by up to this angle, either way")
    resize: tuple[float, float] = Field(default=(1.0, 1.0), description="smallest and largest magnification")
    shift: float = Field(default=0.0, ge=0, le=1, description="move by up to this, in half sides")


@dataclass(frozen=True)
class KeypointTrack:
    """The keypoints of a clip.

    Attributes:
        code: unique name of the clip.
        group: the same for all clips of the same motion, or None.
        kp: ``value`` (T, K, 2) and perhaps ``covariance`` (T, K, n, n).
    """

    code: str
    group: str | None
    kp: Keypoints


class SequenceSource:
    """Samples batches of keypoint sequences from (seed, step, row), without any state."""

    def __init__(self, tracks: Sequence[KeypointTrack], config: SequenceConfig, seed: int) -> None:
        """Takes tracks of different codes; those shorter than ``config.length`` are left out.

        Raises:
            InputError: none is long enough.
        """
        self.config, self.seed = config, seed
        groups: dict[str, list[KeypointTrack]] = defaultdict(list)
        for track in sorted(tracks, key=lambda track: track.code):
            if len(track.kp.value) >= config.length:
                groups[track.group or track.code].append(track)
        if not groups:
            longest = max((len(track.kp.value) for track in tracks), default=0)
            raise InputError(
                f"sequences of {config.length} frames: the longest clip has {longest}; set sequences.length lower"
            )
        self._groups = [groups[name] for name in sorted(groups)]

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Keypoints:
        """The sequences of one process at one step.

        Args:
            step: 0 or more.
            batch_size: B, sequences of this process.
            rank: this process, 0 to ``world_size`` - 1; it gets rows rank * B to (rank + 1) * B of the whole batch.
            world_size: number of processes.

        Returns:
            ``value`` (B, T, K, 2) and, if the tracks have one, ``covariance`` (B, T, K, n, n).
        """
        generators = row_generators("sequence", self.seed, step, batch_size, rank=rank, world_size=world_size)
        rows = [self._row(rng) for rng in generators]
        value = torch.stack([row.value for row in rows])
        if rows[0].covariance is None:
            return Keypoints(value)
        return Keypoints(value, covariance=torch.stack([row.covariance for row in rows if row.covariance is not None]))

    def _row(self, rng: np.random.Generator) -> Keypoints:
        group = self._groups[rng.integers(len(self._groups))]
        kp = group[rng.integers(len(group))].kp
        begin = int(rng.integers(len(kp.value) - self.config.length + 1))
        if rng.random() < self.config.first_frame:
            begin = 0
        kp = kp[begin : begin + self.config.length]
        return _moved(kp, torch.from_numpy(rng.random(4, dtype=np.float32)), self.config)


def _moved(kp: Keypoints, draws: Tensor, config: SequenceConfig) -> Keypoints:
    """Rotates, scales and shifts keypoints (T, K, 2) about the centre of the frame, alike in all frames."""
    angle = (2 * float(draws[0]) - 1) * math.radians(config.rotation_degrees)
    smallest, largest = config.resize
    scale = smallest + (largest - smallest) * float(draws[1])
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    matrix = kp.value.new_tensor([[cos, -sin], [sin, cos]])
    value = kp.value @ matrix.mT + (2 * draws[2:] - 1) * config.shift
    covariance = kp.covariance
    if covariance is not None:
        one_number = covariance.shape[-1] == 1
        covariance = covariance * scale**2 if one_number else matrix @ covariance @ matrix.mT
    return Keypoints(value, covariance=covariance)
