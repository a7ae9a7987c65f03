"""Samples batches of consecutive observations from decoded clips, which depend on seed, step and row only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from pydantic import Field

from kinema.core.checks import InputError
from kinema.data.clips.cache import CacheConfig, Side
from kinema.data.samples.batches import ClipBatch
from kinema.data.samples.frame_pairs import PairClip
from kinema.data.samples.row_generators import row_generators


class ClipConfig(CacheConfig):
    """Size of the frames and their distance in time."""

    size: tuple[Side, Side] = Field(default=(256, 256), description="height and width of the frames, in pixels")
    max_frames: int | None = Field(
        default=None, ge=2, description="longer clips are thinned evenly, which changes their speed; none: keep all"
    )
    skip: int = Field(default=0, ge=0, description="frames left out between two time steps")

    @property
    def time_stride(self) -> int:
        """Stored frames from one time step to the next."""
        return self.skip + 1


class ClipSource:
    """Samples batches of windows of clips; all windows are equally likely, and none crosses a cut."""

    def __init__(
        self,
        clips: Sequence[PairClip],
        config: ClipConfig,
        *,
        stack: int,
        length: Callable[[int], int],
        seed: int,
        shots: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """Takes the clips of one split, in any order.

        Args:
            clips: the clips to sample from.
            config: gives the time stride.
            stack: S, frames of an observation, which are a time stride apart too.
            length: maps a training step, counted from 1, to the time steps of a window.
            seed: of the random numbers.
            shots: code to the first frames of the clip's shots, beginning with 0; other clips are a single shot.

        Raises:
            InputError: no clip is long enough for the first step.
        """
        self.config, self.stack, self.length, self.seed = config, stack, length, seed
        self._clips = sorted(clips, key=lambda clip: clip.code)
        begins = [np.array((shots or {}).get(clip.code, (0,)), dtype=np.int64) for clip in self._clips]
        # For each shot of all clips: the index of the clip, the first frame, and the number of frames.
        self._rows = np.repeat(np.arange(len(begins)), [len(each) for each in begins])
        self._begins = np.concatenate(begins) if begins else np.zeros(0, dtype=np.int64)
        lengths = [np.diff(each, append=clip.shape[0]) for each, clip in zip(begins, self._clips, strict=True)]
        self._num_frames = np.concatenate(lengths) if lengths else np.zeros(0, dtype=np.int64)
        self._count_windows(self.length(1))

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> ClipBatch:
        """The clips of one process at one step.

        Args:
            step: 0 or more.
            batch_size: B, clips of this process.
            rank: this process, 0 to ``world_size`` - 1; it gets rows rank * B to (rank + 1) * B of the whole batch.
            world_size: number of processes.

        Returns:
            Observations (B, T, 3 S, H, W).

        Raises:
            InputError: no clip is long enough for this step.
        """
        length = self.length(step + 1)
        ends = self._count_windows(length).cumsum()
        rows = []
        for rng in row_generators("clip", self.seed, step, batch_size, rank=rank, world_size=world_size):
            drawn = int(rng.integers(ends[-1]))
            index = int(np.searchsorted(ends, drawn, side="right"))
            numbers = self._begins[index] + self._frame_numbers(int(ends[index]) - 1 - drawn, length)
            frames = self._clips[self._rows[index]].frames()[numbers]
            rows.append(torch.from_numpy(frames).movedim(-1, 2).flatten(1, 2))  # (T, S, H, W, 3) to (T, 3 S, H, W)
        return ClipBatch(torch.stack(rows).to(torch.float32).div_(255))

    def _frame_numbers(self, start: int, length: int) -> np.ndarray:
        """(T, S) numbers in a shot of the frames of each observation, all a multiple of the time stride apart."""
        stride = self.config.time_stride
        numbers = start + stride * np.arange(length)[:, None] - stride * np.arange(self.stack)
        return np.maximum(numbers, start % stride)

    def _count_windows(self, length: int) -> np.ndarray:
        """(N,) number of windows that fit into each shot."""
        span = (length - 1) * self.config.time_stride
        counts = np.maximum(self._num_frames - span, 0)
        if not counts.any():
            longest = self._num_frames.max(initial=0)
            cut = len(self._num_frames) > len(self._clips)
            raise InputError(
                f"{length} time steps {self.config.time_stride} frames apart need {'shots' if cut else 'clips'} of "
                f"{span + 1} frames, the longest has {longest}; lower schedule.length_end or frames.skip, "
                f"or give longer clips"
                f"{', or raise shots.cut_threshold if what was cut is one shot' if cut else ''}"
            )
        return counts
