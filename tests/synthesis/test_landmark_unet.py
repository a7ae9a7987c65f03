"""The U-Net draws frames of the source's size from both of its inputs; dropout is the caller's."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.synthesis.landmark_hint import LandmarkHint
from kinema.synthesis.landmark_unet import LandmarkUNet, LandmarkUNetConfig


def test_it_sees_both_inputs_and_keeps_the_size():
    net = LandmarkUNet(LandmarkUNetConfig(block_expansion=4, max_features=8, num_levels=4)).eval()
    source, drawing = torch.rand(2, 3, 16, 32), torch.rand(2, 1, 16, 32)
    frame = net(source, drawing)
    assert frame.shape == source.shape and 0 <= frame.min() and frame.max() <= 1
    assert not torch.equal(net(source.flip(-1), drawing), frame) and not torch.equal(net(source, 1 - drawing), frame)
    assert net.divisor == 16
    with pytest.raises(InputError, match="multiples of 16"):
        net(torch.rand(1, 3, 16, 24), torch.rand(1, 1, 16, 24))


def test_two_levels_are_disturbed():
    net = LandmarkUNet(LandmarkUNetConfig(block_expansion=4, max_features=8, num_levels=4)).eval()
    seen: list[tuple[int, ...]] = []

    def disturb(features: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(features.shape[2:]))
        return 0 * features

    source, drawing = torch.rand(1, 3, 16, 16), torch.rand(1, 1, 16, 16)
    assert not torch.equal(net(source, drawing, disturb), net(source, drawing))
    assert seen == [(2, 2), (4, 4)]


def test_a_hint_has_the_shape_of_warped_features():
    hint = LandmarkHint(12, num_channels=4, num_down_blocks=2)
    assert hint(torch.rand(2, 1, 16, 24)).shape == (2, 12, 4, 6)
