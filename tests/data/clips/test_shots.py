"""Cuts are found where two clips meet, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.data.clips.shots import ShotConfig, find_shots
from kinema.data.clips.synthetic import moving_shapes


def test_a_clip_has_shots_only_where_others_were_joined():
    first, second = moving_shapes(2, 30, 64, seed=1)
    assert find_shots(first, ShotConfig()) == find_shots(second, ShotConfig()) == (0,)
    film = np.concatenate([first[:13], second[:10], first[13:]])
    assert find_shots(film, ShotConfig()) == (0, 13, 23)
    assert find_shots(film, ShotConfig(cut_threshold=None)) == (0,)
    assert find_shots(film[:, ::2, ::-2], ShotConfig()) == (0, 13, 23), "any stride"
    assert find_shots(film[:1], ShotConfig()) == (0,)


def test_sudden_motion_at_the_beginning_is_no_cut():
    still, moved = np.full((1, 32, 32, 3), 20, np.uint8), np.full((4, 32, 32, 3), 220, np.uint8)
    assert find_shots(np.concatenate([still, moved]), ShotConfig()) == (0,)
    assert find_shots(np.concatenate([still, still, moved]), ShotConfig()) == (0, 2)


def test_a_threshold_that_is_no_score_is_refused():
    with pytest.raises(InputError, match="cut_threshold"):
        ShotConfig().override(["cut_threshold=30"])
