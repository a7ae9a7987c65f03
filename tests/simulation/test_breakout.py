"""Real games: the pictures agree with the console's memory, and the actions with the pictures."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from kinema.simulation.breakout import ACTION_NAMES, HEIGHT, WIDTH, breakout_clips, find_paddle
from kinema.simulation.clip import SimulatedClip

pytestmark = pytest.mark.extra("data", "ale_py")


@pytest.fixture(scope="module")
def clips() -> list[SimulatedClip]:
    return list(islice(breakout_clips("train", length=24, seed=0), 6))


def test_shapes(clips: list[SimulatedClip]) -> None:
    for clip in clips:
        assert clip.frames.shape == (24, HEIGHT, WIDTH, 3) and clip.frames.dtype == np.uint8
        assert clip.truth.action_names == ACTION_NAMES
        assert clip.truth.positions["paddle"].shape == (24, 1) and clip.truth.positions["ball"].shape == (24, 2)


def test_the_paddle_of_the_picture_is_that_of_the_memory(clips: list[SimulatedClip]) -> None:
    for clip in clips:
        for frame, (centre,) in zip(clip.frames, clip.truth.positions["paddle"], strict=True):
            seen = find_paddle(frame)
            left, right = max(8.0, centre - 7.5), min(151.0, centre + 7.5)  # the walls hide the rest
            assert seen is not None
            if seen[1] <= 16:  # else the ball touches it
                assert seen[0] == (left + right) / 2


def test_the_ball_is_where_the_memory_says(clips: list[SimulatedClip]) -> None:
    for clip in clips:
        places = clip.truth.positions["ball"]
        for frame, (x, y) in zip(clip.frames, places, strict=True):
            if 100 < y < 180 and 9 < x < 150:  # below the bricks, above the paddle, off the walls, which hide it
                rows, columns = np.nonzero((frame[95:186, 8:152] == (200, 72, 72)).all(axis=-1))
                assert (columns.mean() + 8, rows.mean() + 95) == (x, y)


def test_a_ball_is_in_play_all_the_time(clips: list[SimulatedClip]) -> None:
    assert not any(clip.truth.dones.any() for clip in clips)


def test_an_action_moves_the_paddle_before_the_next_picture(clips: list[SimulatedClip]) -> None:
    moved = np.concatenate([np.diff(clip.truth.positions["paddle"][:, 0]) for clip in clips])
    actions = np.concatenate([clip.truth.actions[:-1] for clip in clips])
    guessed = np.select([moved > 8, moved < -8], [1, 2], 0)
    assert (guessed == actions).mean() > 0.9


def test_the_seed_decides(clips: list[SimulatedClip]) -> None:
    again, other, test = (
        next(breakout_clips(split, length=24, seed=seed)) for split, seed in (("train", 0), ("train", 1), ("test", 0))
    )
    assert np.array_equal(again.frames, clips[0].frames) and np.array_equal(again.truth.actions, clips[0].truth.actions)
    for clip in (other, test):
        assert not np.array_equal(clip.truth.positions["ball"], again.truth.positions["ball"])
