"""The hourglass answers at the resolution of its input, and sees all of it."""

import torch

from kinema.blocks.hourglass import Hourglass


def test_shape_and_last_skip():
    net = Hourglass(5, block_expansion=4, num_blocks=3, max_features=12)
    features = torch.randn(2, 5, 16, 24)
    out = net(features)
    assert out.shape == (2, net.out_channels, 16, 24) and net.out_channels == 9
    assert torch.equal(out[:, 4:], features)


def test_widths_stop_growing():
    net = Hourglass(3, block_expansion=4, num_blocks=4, max_features=10)
    assert [block.conv.out_channels for block in net.down_blocks] == [8, 10, 10, 10]
    assert [block.conv.out_channels for block in net.up_blocks] == [10, 10, 8, 4]


def test_every_pixel_sees_far_beyond_a_convolution():
    net = Hourglass(1, block_expansion=4, num_blocks=4, max_features=16).eval()
    features = torch.randn(1, 1, 32, 32, requires_grad=True)
    net(features)[0, :4, 16, 16].sum().backward()
    assert features.grad is not None
    rows = features.grad[0, 0].abs().sum(dim=1).nonzero()
    assert rows.max() - rows.min() >= 28
