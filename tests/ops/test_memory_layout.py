"""Joined maps are those of ``torch.cat``, in the layout of the first."""

from __future__ import annotations

import pytest
import torch

from kinema.ops.memory_layout import join_channels

LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize("first", LAYOUTS)
@pytest.mark.parametrize("second", LAYOUTS)
def test_values_and_layout(first: torch.memory_format, second: torch.memory_format) -> None:
    a, b = torch.rand(2, 3, 4, 5), torch.rand(2, 2, 4, 5)
    joined = join_channels(a.contiguous(memory_format=first), b.contiguous(memory_format=second), b)
    assert torch.equal(joined, torch.cat([a, b, b], dim=1))
    assert joined.is_contiguous(memory_format=first)


def test_gradients_pass() -> None:
    a, b = torch.rand(1, 3, 2, 2, requires_grad=True), torch.rand(1, 2, 2, 2, requires_grad=True)
    join_channels(a.contiguous(memory_format=torch.channels_last), b).square().sum().backward()
    assert a.grad is not None and torch.equal(a.grad, 2 * a)
    assert b.grad is not None and torch.equal(b.grad, 2 * b)
