"""Sequences of keypoints depend on seed, step and row alone; what moves them is known."""

from __future__ import annotations

import math

import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Keypoints
from kinema.data.samples.keypoint_sequences import KeypointTrack, SequenceConfig, SequenceSource


def track(code: str, frames: int, group: str | None = None) -> KeypointTrack:
    """Point 0 lies at (frame / 100, 0), point 1 at (0, frame / 100)."""
    value = torch.zeros(frames, 2, 2)
    value[:, 0, 0] = value[:, 1, 1] = torch.arange(frames) / 100
    covariance = torch.diag(torch.tensor([0.04, 0.01])).expand(frames, 2, -1, -1)
    return KeypointTrack(code, group, Keypoints(value, covariance=covariance))


def test_a_sequence_is_a_run_of_frames():
    source = SequenceSource([track("a", 20)], SequenceConfig(length=8), seed=0)
    value = source.batch(3, 16).value
    assert value.shape == (16, 8, 2, 2)
    begins = (value[:, 0, 0, 0] * 100).round()
    torch.testing.assert_close(value[:, :, 0, 0] * 100, begins[:, None] + torch.arange(8.0), atol=1e-4, rtol=0)
    assert len(set(begins.tolist())) > 3 and begins.max() <= 12


def test_processes_and_order_do_not_matter():
    tracks = [track("a", 20), track("b", 30, "g"), track("c", 25, "g")]
    config = SequenceConfig(length=8, rotation_degrees=20, resize=(0.8, 1.2), shift=0.2)
    whole = SequenceSource(tracks, config, seed=1).batch(5, 4)
    other = SequenceSource(tracks[::-1], config, seed=1)
    parts = [other.batch(5, 2, rank=rank, world_size=2) for rank in (1, 0)]
    assert torch.equal(whole.value, torch.cat([parts[1].value, parts[0].value]))
    assert not torch.equal(whole.value, SequenceSource(tracks, config, seed=2).batch(5, 4).value)


def test_the_first_frame_can_be_asked_for():
    source = SequenceSource([track("a", 40)], SequenceConfig(length=8, first_frame=1), seed=0)
    assert (source.batch(0, 8).value[:, 0] == 0).all()


def test_points_and_their_spread_turn_together():
    """A quarter turn is not drawn, but the drawn turn's angle can be read off a point and must fit the spread."""
    source = SequenceSource([track("a", 60)], SequenceConfig(length=50, rotation_degrees=90), seed=0)
    batch = source.batch(0, 6)
    assert batch.covariance is not None
    step = batch.value[:, -1, 0] - batch.value[:, 0, 0]  # (B, 2), was (0.49, 0)
    angle = torch.atan2(step[:, 1], step[:, 0])
    assert angle.abs().max() > math.radians(10)
    for row in range(6):
        cos, sin = math.cos(angle[row]), math.sin(angle[row])
        turn = torch.tensor([[cos, -sin], [sin, cos]])
        wanted = turn @ torch.diag(torch.tensor([0.04, 0.01])) @ turn.mT
        torch.testing.assert_close(batch.covariance[row, 3, 1], wanted)


def test_clips_that_are_too_short_are_left_out_and_said():
    source = SequenceSource([track("a", 7), track("b", 9)], SequenceConfig(length=8), seed=0)
    assert source.batch(0, 4).value.shape == (4, 8, 2, 2)
    with pytest.raises(InputError, match="the longest clip has 7; set sequences.length lower"):
        SequenceSource([track("a", 7)], SequenceConfig(length=8), seed=0)
