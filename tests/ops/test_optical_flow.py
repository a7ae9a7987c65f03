"""Known shifts are found; what does not move or has no texture stays."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from kinema.ops.optical_flow import optical_flow


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (-2, 3), (5, -6)])
def test_a_shift_is_found(x: int, y: int):
    coarse = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    first = F.interpolate(coarse, size=(96, 96), mode="bicubic", align_corners=False)
    second = torch.roll(first, (y, x), dims=(2, 3))
    flow = optical_flow(first, second)[:, :, 16:-16, 16:-16]
    assert (flow - torch.tensor([x, y]).view(1, 2, 1, 1)).abs().mean() < 0.35


def test_flat_places_stay():
    first, second = torch.full((1, 3, 64, 64), 0.2), torch.full((1, 3, 64, 64), 0.2)
    first[:, :, 20:30, 10:20], second[:, :, 20:30, 13:23] = 0.9, 0.9
    flow = optical_flow(first, second)
    assert flow[:, :, 45:, 40:].abs().max() < 0.01
    assert abs(flow[0, 0, 20:30, 10:20].mean() - 3) < 0.7 and flow[0, 1, 20:30, 10:20].abs().mean() < 0.5
