"""Frechet distance against closed forms."""

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.metrics.frechet import clip_vector, frechet_distance


def whitened(rng: np.random.Generator, count: int, dimensions: int) -> np.ndarray:
    """Vectors whose mean is 0 and whose covariance is the identity to rounding."""
    vectors = rng.normal(size=(count, dimensions))
    vectors -= vectors.mean(axis=0)
    covariance = np.cov(vectors, rowvar=False)
    return vectors @ np.linalg.inv(np.linalg.cholesky(covariance)).T


def test_gaussians_with_a_known_distance():
    rng = np.random.default_rng(0)
    shift, scale_a, scale_b = np.array([1.0, -2.0, 0.5]), np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0])
    a = whitened(rng, 50, 3) * scale_a
    b = whitened(rng, 40, 3) * scale_b + shift
    expected = np.square(shift).sum() + np.square(scale_a - scale_b).sum()
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(b, a) == pytest.approx(expected)


def test_covariances_that_do_not_commute_agree_with_the_eigenvalues_of_their_product():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(70, 4)) @ rng.normal(size=(4, 4))
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    cross = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real).sum()
    means = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    assert frechet_distance(a, b) == pytest.approx(means + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


@pytest.mark.parametrize("count", [5, 200])
def test_equal_sets_are_zero_apart_with_fewer_vectors_than_dimensions_too(count: int):
    vectors = np.random.default_rng(2).normal(size=(count, 30))
    assert frechet_distance(vectors, vectors) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(vectors, vectors + 2) == pytest.approx(120)


@pytest.mark.parametrize(
    ("a", "b"), [(np.zeros((1, 3)), np.zeros((5, 3))), (np.zeros((5, 3)), np.zeros((5, 4))), (np.zeros(3), np.zeros(3))]
)
def test_sets_that_do_not_match_are_refused(a: np.ndarray, b: np.ndarray):
    with pytest.raises(InputError, match="at least 2"):
        frechet_distance(a, b)


def test_vectors_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="NaN"):
        frechet_distance(np.full((4, 2), np.nan), np.zeros((4, 2)))


def test_clips_that_freeze_are_far_from_clips_that_move():
    rng = np.random.default_rng(2)
    moving = rng.normal(size=(2, 20, 8, 3))
    frozen = np.repeat(moving[0].mean(axis=1, keepdims=True), 8, axis=1)
    true, again, still = ([clip_vector(clip) for clip in clips] for clips in (*moving, frozen))
    np.testing.assert_allclose(np.stack(still)[:, :3], np.stack(true)[:, :3])
    assert not np.stack(still)[:, 3:].any() and frechet_distance(true, again) < 0.5 < frechet_distance(true, still)
    with pytest.raises(InputError, match="T at least 2"):
        clip_vector(np.zeros((1, 3)))
