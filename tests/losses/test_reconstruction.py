"""Weighted distances with known values."""

import torch

from kinema.losses.reconstruction import weighted_l1


def test_known_value():
    made = [torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 2, 2)]
    real = [torch.full((2, 3, 4, 4), 0.5), torch.full((2, 3, 2, 2), 4.0)]
    assert weighted_l1(made, real, (10, 2)).item() == 10 * 0.5 + 2 * 3
    assert weighted_l1(made, made, (10, 2)).item() == 0


def test_a_weight_of_zero_looks_at_nothing():
    broken = [torch.full((1, 1, 2, 2), float("nan")), torch.ones(1, 1, 2, 2)]
    assert weighted_l1(broken, [torch.zeros(1, 1, 2, 2)] * 2, (0, 3)).item() == 3


def test_the_truth_gets_no_gradient():
    made, real = torch.rand(1, 1, 2, 2, requires_grad=True), torch.rand(1, 1, 2, 2, requires_grad=True)
    weighted_l1([made], [real], (1,)).backward()
    assert real.grad is None
    torch.testing.assert_close(made.grad, torch.sign(made.detach() - real.detach()) / 4)
