"""Bootstrap intervals: known answers, coverage, clusters."""

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.metrics.bootstrap import bootstrap_mean


def test_interval_agrees_with_the_normal_one():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=400)
    estimate = bootstrap_mean(values, seed=1)
    half = 1.96 * values.std() / 20
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.03)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.03)
    assert (estimate.count, estimate.missing) == (400, 0)


def test_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    covered = 0
    for trial in range(200):
        estimate = bootstrap_mean(rng.normal(size=40), seed=trial, num_resamples=300, level=0.8)
        assert estimate.low is not None and estimate.high is not None
        covered += estimate.low <= 0 <= estimate.high
    assert 0.70 <= covered / 200 <= 0.88


def test_frames_of_one_clip_do_not_count_as_independent():
    per_clip = np.random.default_rng(3).normal(size=20)
    values, clips = np.repeat(per_clip, 50), np.repeat(np.arange(20), 50)
    by_clip, alone = bootstrap_mean(values, clips, seed=0), bootstrap_mean(per_clip, seed=0)
    assert by_clip.mean == pytest.approx(alone.mean)
    assert (by_clip.low, by_clip.high) == (pytest.approx(alone.low), pytest.approx(alone.high))
    assert by_clip.count == 1000


def test_groups_of_unequal_size_weigh_by_their_frames():
    estimate = bootstrap_mean([1.0, 1.0, 1.0, 5.0], ["long", "long", "long", "short"], seed=0)
    assert estimate.mean == 2.0
    assert (estimate.low, estimate.high) == (1.0, 5.0)


def test_same_seed_same_interval_and_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(4).normal(size=30)
    whole = bootstrap_mean(values, seed=7)
    monkeypatch.setattr("kinema.metrics.bootstrap._DRAWS_AT_ONCE", 1000)
    assert bootstrap_mean(values, seed=7) == whole
    assert bootstrap_mean(values, seed=8) != whole


def test_missing_values_are_counted_and_left_out():
    estimate = bootstrap_mean([1.0, float("nan"), 3.0], ["a", "b", "c"], seed=0)
    assert (estimate.mean, estimate.count, estimate.missing) == (2.0, 2, 1)


def test_one_group_has_a_mean_but_no_interval():
    estimate = bootstrap_mean([1.0, 2.0], ["a", "a"], seed=0)
    assert (estimate.mean, estimate.low, estimate.high) == (1.5, None, None)


@pytest.mark.parametrize(
    ("values", "groups", "message"),
    [
        ([], None, "nothing to average"),
        ([float("nan")], None, "nothing to average"),
        ([1.0, float("inf")], None, "infinite"),
        ([1.0, 2.0], ["a"], "one label a value"),
    ],
)
def test_what_cannot_be_averaged_is_refused(values, groups, message: str):
    with pytest.raises(InputError, match=message):
        bootstrap_mean(values, groups, seed=0)
