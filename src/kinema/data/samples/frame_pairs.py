"""Samples batches of frame pairs from decoded clips; every sample depends on seed, step and row only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from pydantic import Field

from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.data.samples.augment import NUM_DRAWS, AugmentConfig, augment_pairs
from kinema.data.samples.batches import Batch
from kinema.data.samples.row_generators import row_generators


class PairConfig(Config):
    """How pairs are chosen and augmented."""

    balance_groups: bool = Field(default=True, description="choose a group first, then one of its clips; else any clip")
    max_gap: int | None = Field(
        default=None, ge=1, description="most stored frames between source and driving; none: any"
    )
    augment: AugmentConfig = AugmentConfig()


class PairClip(Protocol):
    """The interface of clips for ``PairSource``, which ``CachedClip`` and ``ArrayClip`` have."""

    @property
    def code(self) -> str:
        """Unique name."""
        ...

    @property
    def group(self) -> str | None:
        """The same for all clips of the same motion, or None."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W, 3)."""
        ...

    def frames(self) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayClip:
    """A clip in memory, such as a synthetic one.

    Attributes:
        code: unique name.
        array: (T, H, W, 3) uint8 RGB.
        group: the same for all clips of the same motion, or None.
    """

    code: str
    array: np.ndarray
    group: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W, 3)."""
        return self.array.shape

    def frames(self) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB."""
        return self.array


class PairSource:
    """Samples batches of frame pairs from (seed, step, row), without any state.

    Therefore a resumed run, or several processes that share a batch, get the same samples as one uninterrupted process.
    """

    def __init__(self, clips: Sequence[PairClip], config: PairConfig, seed: int) -> None:
        """Takes clips of one frame size with different codes, in any order.

        Raises:
            InputError: there are no clips, a code comes twice, or shapes do not fit.
        """
        if not clips:
            raise InputError("pairs of frames: no clips were given; at least one readable clip is needed")
        self.config = config
        self.seed = seed
        # Sorted, so that the order in which the file system lists files does not matter.
        self._clips = sorted(clips, key=lambda clip: clip.code)
        _check_clips(self._clips)
        self._groups = _group_rows(self._clips, config.balance_groups)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, np.ndarray],
        config: PairConfig,
        seed: int,
        *,
        groups: Mapping[str, str] | None = None,
    ) -> PairSource:
        """Creates a source from clips in memory.

        Args:
            arrays: code to (T, H, W, 3) uint8 RGB.
            config: how pairs are chosen and augmented.
            seed: any whole number.
            groups: code to group, for the codes that have one.
        """
        groups = groups or {}
        return cls([ArrayClip(code, array, groups.get(code)) for code, array in arrays.items()], config, seed)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every frame, in pixels."""
        _, height, width, _ = self._clips[0].shape
        return height, width

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._clips)

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Batch:
        """The samples of one process at one step.

        Args:
            step: 0 or more.
            batch_size: B, samples of this process.
            rank: this process, 0 to ``world_size`` - 1; it gets rows rank * B to (rank + 1) * B of the whole batch.
            world_size: number of processes.

        Returns:
            Source and driving, each (B, 3, H, W) RGB in [0, 1].
        """
        generators = row_generators("pair", self.seed, step, batch_size, rank=rank, world_size=world_size)
        images = np.empty((batch_size, 2, *self._clips[0].shape[1:]), dtype=np.uint8)
        draws = np.empty((batch_size, NUM_DRAWS), dtype=np.float32)
        for row, rng in enumerate(generators):
            clip = self._draw_clip(rng)
            images[row] = clip.frames()[self._draw_frames(rng, clip.shape[0])]
            draws[row] = rng.random(NUM_DRAWS, dtype=np.float32)
        channels_first = torch.from_numpy(images).movedim(-1, 2)  # (B, 2, 3, H, W)
        pairs = channels_first.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        pairs = augment_pairs(pairs, torch.from_numpy(draws), self.config.augment)
        return Batch(source=pairs[:, 0].contiguous(), driving=pairs[:, 1].contiguous())

    def _draw_clip(self, rng: np.random.Generator) -> PairClip:
        group = self._groups[rng.integers(len(self._groups))]
        return self._clips[group[rng.integers(len(group))]]

    def _draw_frames(self, rng: np.random.Generator, num_frames: int) -> list[int]:
        """The numbers of two different frames; the same one twice if the clip has only one frame."""
        source = int(rng.integers(num_frames))
        if num_frames == 1:
            return [source, source]
        max_gap = self.config.max_gap or num_frames
        first, last = max(0, source - max_gap), min(num_frames - 1, source + max_gap)
        driving = int(rng.integers(first, last))
        return [source, driving + (driving >= source)]


def _check_clips(clips: Sequence[PairClip]) -> None:
    for clip in clips:
        if len(clip.shape) != 4 or clip.shape[0] < 1 or clip.shape[3] != 3:
            raise InputError(f"clip '{clip.code}': has shape {clip.shape}; expected (T, H, W, 3), uint8 RGB")
        if clip.shape[1:] != clips[0].shape[1:]:
            raise InputError(
                f"clip '{clip.code}': frames of {clip.shape[1]}x{clip.shape[2]} (height x width), while "
                f"'{clips[0].code}' has {clips[0].shape[1]}x{clips[0].shape[2]}; store all at one size"
            )
    for before, after in zip(clips, clips[1:], strict=False):
        if before.code == after.code:
            raise InputError(f"clip '{after.code}': given twice; codes must differ")


def _group_rows(clips: Sequence[PairClip], balance_groups: bool) -> list[list[int]]:
    """Rows of ``clips`` for each group: a clip without a group is its own, and without balancing all are one group."""
    if not balance_groups:
        return [list(range(len(clips)))]
    rows: dict[tuple[bool, str], list[int]] = defaultdict(list)
    for row, clip in enumerate(clips):
        rows[(clip.group is None, clip.code if clip.group is None else clip.group)].append(row)
    return [rows[key] for key in sorted(rows)]
