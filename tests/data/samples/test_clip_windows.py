"""Observations of clips at their time stride, each with the frames before it."""

from typing import Any

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.data.samples.clip_windows import ClipConfig, ClipSource
from kinema.data.samples.frame_pairs import ArrayClip


def numbered(code: str, num_frames: int) -> ArrayClip:
    """Frame t holds the value t."""
    values = np.arange(num_frames, dtype=np.uint8)[:, None, None, None]
    return ArrayClip(code, np.broadcast_to(values, (num_frames, 8, 8, 3)))


def source(*lengths: int, skip: int = 0, stack: int = 1, time_steps: int = 4, shots: Any = None) -> ClipSource:
    clips = [numbered(f"clip{index}", length) for index, length in enumerate(lengths)]
    config = ClipConfig(size=(8, 8), skip=skip)
    return ClipSource(clips, config, stack=stack, length=lambda step: time_steps + (step > 100), seed=0, shots=shots)


def shown(observations: torch.Tensor) -> torch.Tensor:
    """(B, T, S) numbers of the frames."""
    return (observations[:, :, ::3, 0, 0] * 255).round().int()


def test_time_steps_keep_their_stride_and_never_begin_before_the_clip():
    batch = source(20, skip=2, stack=3).batch(0, 64).observations
    assert batch.shape == (64, 4, 9, 8, 8) and 0 <= batch.min() and batch.max() <= 1
    numbers = shown(batch)
    first = numbers[:, 0, 0]
    assert torch.equal(numbers[:, :, 0], first[:, None] + 3 * torch.arange(4))
    # What would lie before the clip is its first frame at that stride.
    expected = torch.maximum(numbers[:, :, :1] - 3 * torch.arange(3), (first % 3)[:, None, None])
    assert torch.equal(numbers, expected)
    assert first.unique().tolist() == list(range(11))


def test_stretches_are_equally_likely_and_short_clips_left_out():
    drawn = source(5, 13, 3).batch(0, 2000).observations
    starts = shown(drawn)[:, 0, 0]
    # Two stretches in the first clip and ten in the second: starts 0 and 1 are in both.
    counts = starts.bincount().float() / 2000
    torch.testing.assert_close(counts, torch.tensor([2.0] * 2 + [1.0] * 8) / 12, atol=0.03, rtol=0)


def test_no_stretch_crosses_a_cut_and_all_inside_shots_are_equally_likely():
    # Shots of 9, 2 and 6 frames and a whole clip of 5: with 4 time steps 6 + 0 + 3 + 2 stretches.
    drawn = shown(source(17, 5, shots={"clip0": (0, 9, 11)}).batch(0, 3000).observations)[:, :, 0]
    assert torch.equal(drawn.diff(dim=1), torch.ones(3000, 3, dtype=torch.int))
    counts = drawn[:, 0].bincount().float() / 3000
    expected = torch.tensor([2.0, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1]) / 11
    torch.testing.assert_close(counts, expected, atol=0.03, rtol=0)
    # What an observation would show from before the cut is the shot's first frame at that stride.
    numbers = shown(source(17, skip=1, stack=3, time_steps=2, shots={"clip0": (0, 11)}).batch(0, 64).observations)
    late = numbers[numbers[:, 0, 0] >= 11]
    assert len(late) and (late >= 11).all() and (numbers[numbers[:, 0, 0] < 11] < 11).all()
    with pytest.raises(InputError, match=r"need shots of 4 frames, the longest has 3; .* raise shots.cut_threshold"):
        source(6, shots={"clip0": (0, 3)})


def test_batches_of_clips_without_cuts_are_those_of_ever():
    plain, told = source(9, 30, 12), source(9, 30, 12, shots={"clip0": (0,), "clip1": (0,)})
    assert torch.equal(plain.batch(3, 8).observations, told.batch(3, 8).observations)
    assert shown(plain.batch(3, 8).observations)[:, 0, 0].tolist() == [1, 5, 26, 1, 4, 19, 0, 2]


def test_processes_share_the_batch_of_one_and_steps_repeat():
    clips = source(30)
    whole, parts = clips.batch(5, 4), [clips.batch(5, 2, rank=rank, world_size=2) for rank in range(2)]
    assert torch.equal(torch.cat([part.observations for part in parts]), whole.observations)
    assert torch.equal(clips.batch(5, 4).observations, whole.observations)
    assert not torch.equal(clips.batch(6, 4).observations, whole.observations)


def test_clips_grow_with_the_schedule_and_may_become_too_long():
    clips = source(4)
    assert clips.batch(99, 1).observations.shape[1] == 4
    with pytest.raises(InputError, match=r"5 time steps 1 frames apart need clips of 5 frames, the longest has 4"):
        clips.batch(100, 1)
    with pytest.raises(InputError, match="the longest has 0"):
        source()
