"""Samples follow the probabilities, sharpen with the temperature, and pass gradients on."""

import torch

from kinema.ops.gumbel import gumbel_softmax


def test_samples_follow_the_probabilities():
    logs = torch.tensor([0.1, 0.2, 0.7]).log()
    uniform = torch.rand(20_000, 3, generator=torch.Generator().manual_seed(0))
    chosen = gumbel_softmax(logs, uniform, temperature=0.5).argmax(dim=-1).bincount() / 20_000
    torch.testing.assert_close(chosen, logs.exp(), atol=0.01, rtol=0)


def test_low_temperatures_and_hard_samples_are_one_hot():
    logs, uniform = torch.randn(50, 4).log_softmax(dim=-1).requires_grad_(True), torch.rand(50, 4)
    cold, hard = (gumbel_softmax(logs, uniform, temperature=t, hard=h) for t, h in ((1e-6, False), (0.5, True)))
    torch.testing.assert_close(cold, hard, atol=1e-3, rtol=0)
    assert hard.detach().unique().round(decimals=5).unique().tolist() == [0, 1]
    (hard * torch.arange(4.0)).sum().backward()
    assert logs.grad is not None and logs.grad.abs().max() > 1e-3


def test_the_ends_of_the_uniform_range_are_finite():
    made = gumbel_softmax(torch.zeros(2, 3), torch.tensor([[0.0, 0.5, 0.99999994]] * 2), temperature=0.4)
    assert made.isfinite().all()
