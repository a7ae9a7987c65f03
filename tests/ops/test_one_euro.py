"""The one-euro filter rests where the signal rests, and keeps up where it moves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinema.ops.one_euro import OneEuroFilter

STEP = 1 / 25


def filtered(values: np.ndarray, *, rise: float = 0.0, least_cutoff: float = 1.0) -> np.ndarray:
    smooth = OneEuroFilter(least_cutoff=least_cutoff, rise=rise)
    return np.stack([smooth(np.atleast_1d(value), index * STEP) for index, value in enumerate(values)])


def test_a_constant_stays_itself_exactly():
    values = np.tile([0.3, -7.0], (50, 1))
    np.testing.assert_array_equal(filtered(values, rise=5.0), values)


@pytest.mark.parametrize("rise", [0.0, 2.0, 100.0])
def test_a_step_is_taken_without_overshoot(rise: float):
    answer = filtered(np.r_[np.zeros(5), np.ones(100)], rise=rise)[:, 0]
    assert (answer[:5] == 0).all() and 0 < answer[5] < 1
    assert (np.diff(answer) >= 0).all() and answer.max() <= 1 and answer[-1] > 0.999


def test_a_low_pass_of_first_order_is_what_it_is_at_rest():
    """Without rise the weight is that of the paper: 1 / (1 + tau / Te)."""
    weight = 1 / (1 + 1 / (2 * math.pi * 1.0 * STEP))
    answer = filtered(np.r_[0.0, np.ones(10)])[1:, 0]
    np.testing.assert_allclose(answer, 1 - (1 - weight) ** np.arange(1, 11))


def test_noise_of_a_resting_signal_is_reduced():
    noise = np.random.default_rng(0).normal(0, 0.01, (500, 3))
    assert filtered(noise, rise=1.0)[100:].std() < 0.45 * noise[100:].std()


def test_a_ramp_is_followed_within_a_lag_that_falls_with_the_rise():
    speed = 2.0
    ramp = speed * STEP * np.arange(200)
    lags = [float((ramp - filtered(ramp, rise=rise)[:, 0])[-1]) for rise in (0.0, 1.0, 10.0)]
    for lag, rise in zip(lags, (0.0, 1.0, 10.0), strict=True):
        # In the steady state a first-order low-pass lags by speed / (2 pi cutoff); the speed that the cut-off follows
        # is counted from the last smoothed value, as in the paper, so it is higher by the lag.
        assert lag == pytest.approx(speed / (2 * math.pi * (1.0 + rise * (speed + lag / STEP))), rel=0.01)
    assert lags[0] > lags[1] > lags[2]


def test_one_cut_off_serves_all_values():
    """What rests beside what moves is let through as far as that is: points of a face do not lag behind each other."""
    values = np.stack([np.zeros(60), 5 * STEP * np.arange(60)], axis=1)
    values[30:, 0] = 1.0
    beside, alone = filtered(values, rise=3.0)[31, 0], filtered(values[:, :1], rise=0.0)[31, 0]
    assert beside > alone


def test_it_begins_anew_when_told_or_when_time_does_not_advance():
    smooth = OneEuroFilter(least_cutoff=0.1, rise=0.0)
    smooth(np.zeros(2), 0.0)
    assert (smooth(np.ones(2), STEP) < 0.1).all()
    smooth.reset()
    np.testing.assert_array_equal(smooth(np.ones(2), 2 * STEP), 1)
    np.testing.assert_array_equal(smooth(np.full(2, 9.0), 2 * STEP), 9)
    np.testing.assert_array_equal(smooth(np.full(2, 4.0), STEP), 4)


def test_uneven_times_count():
    smooth, once = (OneEuroFilter(least_cutoff=1.0, rise=0.0) for _ in range(2))
    smooth(np.zeros(1), 0.0)
    once(np.zeros(1), 0.0)
    assert smooth(np.ones(1), 0.5)[0] > once(np.ones(1), 0.02)[0] + 0.3


def test_the_given_arrays_are_not_changed():
    smooth = OneEuroFilter(least_cutoff=1.0, rise=0.0)
    value = np.ones(2)
    smooth(value, 0.0)
    smooth(np.zeros(2), STEP)
    np.testing.assert_array_equal(value, 1)
