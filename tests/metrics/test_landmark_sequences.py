"""Known answers of the metrics of landmark sequences."""

from __future__ import annotations

import pytest
import torch

from kinema.metrics.landmark_sequences import (
    LabelClassifier,
    best_of,
    covered_styles,
    jitter,
    pair_distance,
    sequence_errors,
)

from ..faces.faces import smiles


def test_errors_are_in_percent_of_the_eye_distance():
    true = torch.rand(2, 5, 68, 2)
    made = torch.stack([true, true + torch.tensor([0.03, 0.04]), true + torch.tensor([0.0, 0.1])], dim=1)
    torch.testing.assert_close(sequence_errors(made, true), torch.tensor([[0.0, 5.0, 10.0]] * 2), atol=1e-3, rtol=0)
    torch.testing.assert_close(best_of(made[:, 1:], true), torch.full((2,), 5.0), atol=1e-3, rtol=0)
    wanted = (5 + 10 + 100 * (0.03**2 + 0.06**2) ** 0.5) / 3
    torch.testing.assert_close(pair_distance(made), torch.full((2,), wanted), atol=1e-3, rtol=0)


def test_a_style_is_covered_by_a_mode_that_is_closest_to_it():
    true = smiles([0, 0, 0], [0, 1, 2], seed=1).landmarks
    true = (true - true[:, :1] + true[:1, :1])[None]  # one person
    assert covered_styles(true[:, [2, 0, 1]], true).all()
    assert covered_styles(true[:, [0, 0, 2]], true).tolist() == [[True, False, True]]
    assert covered_styles(true[:, [1]] + 0.001, true).tolist() == [[False, True, False]]


def test_steady_movement_has_no_jitter():
    steady = torch.linspace(0, 1, 6)[:, None, None].expand(6, 68, 2)
    assert jitter(steady).item() == pytest.approx(0, abs=1e-4)
    shaking = steady + 0.01 * torch.tensor([0.0, 1, 0, 1, 0, 1])[:, None, None]
    assert jitter(shaking).item() == pytest.approx(100 * 0.02 * 2**0.5, rel=1e-3)


def test_the_classifier_tells_fast_from_slow():
    train = smiles([0, 1] * 20, [row % 3 for row in range(40)], length=12)
    test = smiles([0, 1] * 6, [row % 3 for row in range(12)], length=12, seed=9)
    classifier = LabelClassifier(train.landmarks, train.label, components=10)
    assert classifier.accuracy(test.landmarks, test.label) == 1
    assert classifier.accuracy(test.landmarks, 1 - test.label) == 0
