"""The distance to the best match nearby."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.losses.nearest_neighbour import nearest_neighbour


def test_an_area_of_one_compares_in_place():
    made, real = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(nearest_neighbour(made, real, area=1), (made - real).abs().sum(dim=1))


def test_a_shift_within_reach_costs_nothing():
    real = torch.rand(1, 2, 6, 7)
    made = torch.zeros_like(real)
    made[..., 1:, 2:] = real[..., :-1, :-2]
    distance = nearest_neighbour(made, real, area=5)
    assert not distance[:, 1:, 2:].any()
    assert nearest_neighbour(made, real, area=3)[:, 1:, 2:].all()  # two columns are out of reach of three


def test_by_hand():
    real = torch.tensor([[[[0.0, 5.0, 9.0]], [[0.0, 1.0, 2.0]]]])
    made = torch.tensor([[[[4.0, 4.0, 4.0]], [[1.0, 1.0, 1.0]]]])
    assert nearest_neighbour(made, real, area=3).tolist() == [[[1.0, 1.0, 1.0]]]
    assert nearest_neighbour(made, real, area=1).tolist() == [[[5.0, 1.0, 6.0]]]


def test_nothing_outside_is_a_match():
    made = torch.full((1, 1, 3, 3), 0.0)
    assert nearest_neighbour(made, torch.full_like(made, 7.0), area=5).unique().tolist() == [7]


def test_gradients_reach_what_is_made_only():
    made, real = (torch.rand(1, 2, 4, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    nearest_neighbour(made, real, area=3).mean().backward()
    assert made.grad is not None and made.grad.all() and real.grad is None
    assert torch.autograd.gradcheck(lambda m: nearest_neighbour(m, real.detach(), area=3), (made,))


@pytest.mark.parametrize("area", [0, 2, -3])
def test_an_area_without_a_middle_is_refused(area: int):
    with pytest.raises(InputError, match=f"area {area}"):
        nearest_neighbour(torch.rand(1, 1, 2, 2), torch.rand(1, 1, 2, 2), area=area)
