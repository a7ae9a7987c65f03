"""The environment passes Gymnasium's own checks."""

from __future__ import annotations

import warnings

import pytest

from kinema.play.environment import play_env
from kinema.play.session import Playable


@pytest.mark.extra("gym", "gymnasium")
def test_gymnasium_accepts_it(playable: Playable):
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*spec.*")  # it was not made by gymnasium.make
        check_env(play_env(playable))


@pytest.mark.extra("gym", "gymnasium")
def test_episodes_are_truncated_and_begin_where_asked(playable: Playable):
    env = play_env(playable, start="circle", max_steps=2)
    first, _ = env.reset(seed=1)
    assert (first == playable.start("circle").frames[-1]).all()
    assert env.step(0)[2:4] == (False, False) and env.step(1)[2:4] == (False, True)
    other, info = env.reset(options={"start": "square"})
    assert (other != first).any() and info == {"step": 0, "action_names": ("1", "2", "3")}
    assert (env.render() == other).all()
