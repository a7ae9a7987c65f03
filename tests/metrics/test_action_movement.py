"""Actions that explain movements completely, and not at all."""

import pytest
import torch

from kinema.core.checks import InputError
from kinema.metrics.action_movement import delta_accuracy, delta_mse, movements_by_action
from kinema.metrics.object_position import compare_detections


def test_actions_that_decide_and_actions_that_do_not():
    actions = torch.arange(3).repeat(100)
    ways = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])[actions]
    noise = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    assert delta_mse(actions, ways) == 0 and delta_accuracy(actions, ways) == 1
    assert delta_mse(actions, noise) == pytest.approx(1, abs=0.05)
    assert delta_accuracy(actions, noise) < 0.5
    assert delta_mse(actions, ways + 0.1 * noise) < 0.05 and delta_accuracy(actions, ways + 0.1 * noise) > 0.95
    assert [part.fraction for part in movements_by_action(actions, ways).values()] == [pytest.approx(1 / 3)] * 3


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InputError, match="all movements are equal"):
        delta_mse(torch.tensor([0, 1]), torch.ones(2, 1))
    with pytest.raises(InputError, match="do not fit"):
        delta_accuracy(torch.tensor([0, 1]), torch.ones(3, 1))


def test_detections_are_compared_where_both_have_one():
    nan = torch.nan
    real = torch.tensor([[[0.0, 0.0], [3.0, 4.0], [nan, nan]], [[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]]])
    made = torch.tensor([[[0.0, 3.0], [nan, nan], [1.0, 1.0]], [[1.0, 1.0], [2.0, 3.0], [nan, nan]]])
    errors = compare_detections(real, made)
    assert errors.both.tolist() == [2, 1, 0] and errors.missed.tolist() == [0, 1, 1]
    assert errors.average_distance == pytest.approx(4 / 3) and errors.missed_rate == pytest.approx(2 / 5)
    with pytest.raises(InputError):
        compare_detections(real, made[:, :2])
