"""Sizes, borders and what each block leaves alone."""

import pytest
import torch
from torch import nn

from kinema.blocks.conv import DownBlock, PatchBlock, ResBlock, SameBlock, UpBlock
from kinema.blocks.spectral import SpectralConv2d


@pytest.mark.parametrize(
    ("block", "size"),
    [
        (SameBlock(3, 5, kernel_size=7), (8, 12)),
        (SameBlock(3, 6, groups=3), (8, 12)),
        (DownBlock(3, 5), (4, 6)),
        (UpBlock(3, 5), (16, 24)),
    ],
)
def test_sizes_and_sign(block, size):
    out = block(torch.randn(2, 3, 8, 12))
    assert out.shape == (2, block.norm.num_features, *size)
    assert out.min() == 0 < out.max()


def test_groups_see_their_own_channels_only():
    block = SameBlock(4, 4, groups=2).eval()
    frames = torch.randn(1, 4, 5, 5)
    changed = torch.cat([frames[:, :2], torch.randn(1, 2, 5, 5)], dim=1)
    before, after = block(frames), block(changed)
    assert torch.equal(before[:, :2], after[:, :2]) and not torch.equal(before[:, 2:], after[:, 2:])


def test_an_upsampled_pixel_becomes_four():
    block = UpBlock(1, 1).eval()
    nn.init.dirac_(block.conv.weight)
    nn.init.zeros_(block.conv.bias)
    out = block(torch.tensor([[[[1.0, 2.0]]]]))
    torch.testing.assert_close(out[0, 0], torch.tensor([[1.0, 1, 2, 2], [1, 1, 2, 2]]), atol=1e-4, rtol=0)


def test_a_residual_block_without_its_last_convolution_is_the_identity():
    block = ResBlock(4)
    nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(block.conv2.bias)
    features = torch.randn(2, 4, 6, 6)
    assert torch.equal(block(features), features)


@pytest.mark.parametrize(("pool", "size"), [(False, (7, 9)), (True, (3, 4))])
def test_a_patch_block_pads_nothing(pool, size):
    block = PatchBlock(3, 4, norm=True, pool=pool, use_spectral_norm=False)
    assert block(torch.randn(2, 3, 10, 12)).shape == (2, 4, *size)


def test_a_patch_block_takes_norms_as_asked():
    plain = PatchBlock(3, 4, norm=False, pool=False, use_spectral_norm=True)
    assert plain.norm is None and isinstance(plain.conv, SpectralConv2d)
    normed = PatchBlock(3, 4, norm=True, pool=False, use_spectral_norm=False)
    bright = normed(torch.rand(1, 3, 8, 8)).mean(), normed(10 * torch.rand(1, 3, 8, 8)).mean()
    torch.testing.assert_close(*bright, atol=0.1, rtol=0)  # the instance norm forgets brightness
