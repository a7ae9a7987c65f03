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


@torch.no_grad()
def test_a_decoder_that_sees_the_neutral_frame_can_keep_its_pixels():
    config = SMALL.model_copy(update={"sees_neutral": True})
    encoder, decoder = FrameEncoder(config).eval(), FrameDecoder(config).eval()
    frames = torch.rand(2, 3, 32, 32)
    mean, log_variance, neutral = encoder.encode_neutral(frames)
    assert neutral is not None and [features.shape[2] for features in neutral.maps] == [16, 8, 4]
    torch.testing.assert_close((mean, log_variance), encoder(frames))
    decoder.final.bias[3] = 100
    torch.testing.assert_close(decoder(mean, (32, 32), neutral), frames)
    decoder.final.bias[3] = -100
    assert (decoder(mean, (32, 32), neutral.repeat(1)) - frames).abs().max() > 0.1
    assert FrameEncoder(SMALL).eval().encode_neutral(frames)[2] is None
