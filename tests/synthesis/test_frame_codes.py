"""Frames become codes and codes frames, at the native size and at others."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.synthesis.frame_codes import FrameCodesConfig, FrameDecoder, FrameEncoder

SMALL = FrameCodesConfig(num_codes=5, block_expansion=4, max_features=8, inner_side=2)


def test_shapes_and_ranges():
    encoder, decoder = FrameEncoder(SMALL).eval(), FrameDecoder(SMALL).eval()
    mean, log_variance = encoder(torch.rand(3, 3, 32, 32))
    assert mean.shape == log_variance.shape == (3, 5)
    for size in ((32, 32), (16, 48)):
        frames = decoder(mean, size)
        assert frames.shape == (3, 3, *size) and 0 <= frames.min() and frames.max() <= 1
    assert encoder(torch.rand(1, 3, 48, 16))[0].shape == (1, 5)
    with pytest.raises(InputError, match="multiples of 16"):
        encoder(torch.rand(1, 3, 32, 40))


def test_first_weights_keep_the_scale_of_features():
    encoder = FrameEncoder(FrameCodesConfig(num_codes=5, block_expansion=16, max_features=64)).eval()
    features = encoder.convs(2 * torch.rand(2, 3, 64, 64) - 1)
    assert 0.1 < features.std() < 10
