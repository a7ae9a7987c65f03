"""Convolutions with fewer products are those of torch, forward and backward."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from kinema.ops.winograd import FrozenKernel


@pytest.mark.parametrize("size", [(16, 20), (13, 10), (7, 9), (3, 2)])
def test_outputs_and_gradients_are_those_of_a_direct_convolution(size: tuple[int, int]):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 24, *size, generator=generator, requires_grad=True)
    weight = torch.randn(40, 24, 3, 3, generator=generator) / 15
    slope = torch.randn(3, 40, *size, generator=generator)
    wanted = F.conv2d(features.double(), weight.double(), padding=1)
    (expected,) = torch.autograd.grad((wanted * slope).sum(), features)
    made = FrozenKernel(weight).convolve(features)
    (gradient,) = torch.autograd.grad((made * slope).sum(), features)
    torch.testing.assert_close(made.double(), wanted, atol=3e-5, rtol=0)
    torch.testing.assert_close(gradient, expected, atol=1e-4, rtol=0)


def test_chunks_of_tiles_join_to_the_whole(monkeypatch: pytest.MonkeyPatch):
    features = torch.randn(2, 8, 21, 18, generator=torch.Generator().manual_seed(1))
    kernel = FrozenKernel(torch.randn(8, 8, 3, 3, generator=torch.Generator().manual_seed(2)))
    whole = kernel.convolve(features)
    for size in (1, 12_000, 40_000):
        monkeypatch.setattr("kinema.ops.winograd._CHUNK_BYTES", size)
        torch.testing.assert_close(kernel.convolve(features), whole, atol=5e-4, rtol=0)
