"""Observations hold the most recent frame first, and the first frame where nothing precedes it."""

import torch

from kinema.ops.frame_stack import push_frame, stack_frames


def test_moments_see_those_before_them():
    frames = torch.arange(4.0).reshape(1, 4, 1, 1, 1)
    assert stack_frames(frames, 3).flatten(2)[0].tolist() == [[0, 0, 0], [1, 0, 0], [2, 1, 0], [3, 2, 1]]
    assert torch.equal(stack_frames(frames, 1), frames)
    # More frames than there are moments.
    assert stack_frames(frames[:, :2], 4).flatten(2)[0].tolist() == [[0, 0, 0, 0], [1, 0, 0, 0]]


def test_pushing_frames_makes_the_stack():
    frames = torch.rand(2, 5, 3, 4, 4)
    stacked = stack_frames(frames, 3)
    observation = stacked[:, 0]
    for moment in range(1, 5):
        observation = push_frame(observation, frames[:, moment])
        assert torch.equal(observation, stacked[:, moment])
