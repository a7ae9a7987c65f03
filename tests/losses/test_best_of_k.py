"""Known answers of the objectives of K sequences."""

from __future__ import annotations

import pytest
import torch

from kinema.losses.best_of_k import balanced_plan, balanced_pull, closest_mode, pull_to_shared, push_apart, push_pull


def test_the_closest_mode_alone_counts():
    errors = torch.tensor([[1.0, 5.0], [4.0, 2.0]], requires_grad=True)
    loss = closest_mode(errors)
    loss.backward()
    assert loss.item() == 1.5
    assert errors.grad is not None and errors.grad.tolist() == [[0.5, 0.0], [0.0, 0.5]]


def test_modes_are_pushed_up_to_the_margin():
    modes = torch.zeros(2, 3, 4, 5)
    assert push_apart(modes, margin=0.1).item() == pytest.approx(0.1)
    modes[:, 1], modes[:, 2] = 0.2, 0.4  # mean squares 0.04, 0.16, 0.04
    assert push_apart(modes, margin=0.1).item() == pytest.approx((0.06 + 0 + 0.06) / 3)
    assert push_apart(modes, margin=0.3, squared=False).item() == pytest.approx((0.1 + 0 + 0.1) / 3)
    assert push_apart(modes[:, :1], margin=0.1).item() == 0
    assert pull_to_shared(modes, torch.zeros(2, 4, 5)).item() == pytest.approx((0 + 0.04 + 0.16) / 3)
    same = torch.zeros(1, 2, 3, 4, requires_grad=True)
    push_apart(same, margin=1, squared=False).backward()
    assert same.grad is not None and same.grad.isfinite().all()


def test_push_pull_is_the_weighted_sum_of_its_parts():
    errors, modes, shared = torch.rand(2, 3), torch.rand(2, 3, 4, 5), torch.rand(2, 4, 5)
    terms = push_pull(errors, modes, shared, pull=2, push=3, margin=0.5)
    assert terms["closest"] == closest_mode(errors) and terms["pull"] == 2 * pull_to_shared(modes, shared)
    assert terms["push"] == 3 * push_apart(modes, margin=0.5)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_a_plan_is_balanced_in_every_label(temperature: float):
    label = torch.tensor([0] * 6 + [1] * 9)
    plan = balanced_plan(torch.rand(15, 3), label, temperature=temperature, iterations=500)
    torch.testing.assert_close(plan.sum(dim=1), torch.ones(15))
    for value, count in ((0, 2.0), (1, 3.0)):
        torch.testing.assert_close(plan[label == value].sum(dim=0), torch.full((3,), count), atol=1e-2, rtol=0)
    assert plan.min() >= 0


def test_a_cold_plan_is_one_mode_a_row_whatever_the_unit():
    errors = torch.tensor([[0.0, 3.0, 3.0], [3.0, 0.0, 3.0], [3.0, 3.0, 0.0]])
    for unit in (1e-3, 1, 1e3):
        plan = balanced_plan(unit * errors, torch.zeros(3, dtype=torch.int64), temperature=0.05)
        torch.testing.assert_close(plan, torch.eye(3), atol=1e-3, rtol=0)


def test_a_dead_mode_is_pulled_too():
    """Winner takes all would leave mode 1 where it is, since mode 0 is better for every row."""
    errors = torch.tensor([[1.0, 2.0], [1.0, 3.0]], requires_grad=True)
    balanced_pull(errors, torch.zeros(2, dtype=torch.int64), temperature=0.05, mean_weight=0.02).backward()
    assert errors.grad is not None and errors.grad[:, 1].sum() > 0.4
    assert balanced_pull(
        torch.full((2, 3), 7.0), torch.tensor([0, 1]), temperature=0.1, mean_weight=0.5
    ).item() == pytest.approx(7)
