"""Random backgrounds: all kinds, the same for the same seed; some drift."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.simulation.backdrop import KINDS, Backdrop

pytestmark = pytest.mark.extra("head", "cv2")


def test_all_kinds_are_drawn_and_some_drift() -> None:
    drawn = [Backdrop(np.random.default_rng(seed), (40, 60)) for seed in range(60)]
    assert {one.kind for one in drawn} == set(KINDS)
    assert 5 < sum(one.drifts for one in drawn) < 30
    for one in drawn:
        first, later, last = one.at(0), one.at(2), one.at(1e6)
        assert first.shape == last.shape == (40, 60, 3) and first.dtype == np.uint8
        assert np.array_equal(first, later) != one.drifts


def test_the_same_seed_gives_the_same_pixels() -> None:
    one, same, other = (Backdrop(np.random.default_rng(seed), (40, 60)) for seed in (3, 3, 4))
    assert np.array_equal(one.at(0.5), same.at(0.5)) and not np.array_equal(one.at(0.5), other.at(0.5))


def test_none_drifts_where_it_may_not() -> None:
    drawn = [Backdrop(np.random.default_rng(seed), (40, 60), may_drift=False) for seed in range(20)]
    assert not any(one.drifts for one in drawn)
    assert all(np.array_equal(one.at(0), one.at(3)) for one in drawn)
