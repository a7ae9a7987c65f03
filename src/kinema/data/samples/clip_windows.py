"""Enter decoded clips; leave batches of moments, one after the other, that depend on seed, step and row only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from pydantic import Field

from kinema.core.checks import InputError
from kinema.core.random import numpy_generator
from kinema.data.clips.cache import CacheConfig, Side
from kinema.data.samples.batches import ClipBatch
from kinema.data.samples.frame_pairs import PairClip


class ClipConfig(CacheConfig):
    """Size and pace of the moments of a clip."""

    size: tuple[Side, Side] = Field(default=(256, 256), description="height and width of the frames, in pixels")
    max_frames: int | None = Field(
        default=None, ge=2, description="longer clips are thinned evenly, which changes their pace; none: keep all"
    )
    skip: int = Field(default=0, ge=0, description="frames left out between two moments")

    @property
    def pace(self) -> int:
        """Frames from one moment to the next."""
        return self.skip + 1


class ClipSource:
    """Batches of stretches of clips; all stretches are equally likely, and none crosses a cut."""

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
            clips: to cut from.
            config: gives the pace.
            stack: S, frames of an observation, which are a pace apart too.
            length: step, counted from 1, to moments of a clip.
            seed: of the draws.
            shots: code to where the clip's shots begin, the first one at 0; clips that it has not are one shot.

        Raises:
            InputError: no clip is long enough for the first step.
        """
        self.config, self.stack, self.length, self.seed = config, stack, length, seed
        self._clips = sorted(clips, key=lambda clip: clip.code)
        begins = [np.array((shots or {}).get(clip.code, (0,)), dtype=np.int64) for clip in self._clips]
        # Row by row the shots of all clips: which clip, its first frame there, and how many frames.
        self._rows = np.repeat(np.arange(len(begins)), [len(each) for each in begins])
        self._begins = np.concatenate(begins) if begins else np.zeros(0, dtype=np.int64)
        lengths = [np.diff(each, append=clip.shape[0]) for each, clip in zip(begins, self._clips, strict=True)]
        self._num_frames = np.concatenate(lengths) if lengths else np.zeros(0, dtype=np.int64)
        self._stretches(self.length(1))

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
        assert step >= 0 and 0 <= rank < world_size
        length = self.length(step + 1)
        ends = self._stretches(length).cumsum()
        rows = []
        for place in range(rank * batch_size, (rank + 1) * batch_size):
            drawn = int(numpy_generator("clip", self.seed, step, place).integers(ends[-1]))
            index = int(np.searchsorted(ends, drawn, side="right"))
            moments = self._begins[index] + self._moments(int(ends[index]) - 1 - drawn, length)
            frames = self._clips[self._rows[index]].frames()[moments]
            rows.append(torch.from_numpy(frames).movedim(-1, 2).flatten(1, 2))  # (T, S, H, W, 3) to (T, 3 S, H, W)
        return ClipBatch(torch.stack(rows).to(torch.float32).div_(255))

    def _moments(self, start: int, length: int) -> np.ndarray:
        """(T, S) indices in a shot of the frames of each observation; none lies before it, and all keep the pace."""
        pace = self.config.pace
        moments = start + pace * np.arange(length)[:, None] - pace * np.arange(self.stack)
        return np.maximum(moments, start % pace)

    def _stretches(self, length: int) -> np.ndarray:
        """(N,) starts that each shot has room for."""
        span = (length - 1) * self.config.pace
        counts = np.maximum(self._num_frames - span, 0)
        if not counts.any():
            longest = self._num_frames.max(initial=0)
            cut = len(self._num_frames) > len(self._clips)
            raise InputError(
                f"{length} moments {self.config.pace} frames apart need {'shots' if cut else 'clips'} of {span + 1} "
                f"frames, the longest has {longest}; lower schedule.length_end or frames.skip, or give longer clips"
                f"{', or raise shots.cut_threshold if what was cut is one shot' if cut else ''}"
            )
        return counts
