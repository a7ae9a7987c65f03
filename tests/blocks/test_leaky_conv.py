"""The cheap forms of convolutions compute what the plain ones do."""

import pytest
import torch
import torch.nn.functional as F

from kinema.blocks.leaky_conv import ConditionedConv2d, LeakyResBlock, LeakyUpBlock, conv_and_halve


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (7, 5)])
def test_convolution_and_pooling_are_one_convolution(size):
    features, weight = torch.randn(2, 3, *size), torch.randn(5, 3, 3, 3)
    expected = F.avg_pool2d(F.conv2d(features, weight, padding=1), 2)
    torch.testing.assert_close(conv_and_halve(features, weight), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("halve", [False, True])
@pytest.mark.parametrize("size", [(2, 2), (2, 8), (4, 4), (6, 10), (12, 6)])
def test_a_vector_counts_as_maps_of_it(size, halve):
    conv = ConditionedConv2d(3, 4, 5, bias=not halve, halve=halve)
    features, vector = torch.randn(2, 3, *size), torch.randn(2, 4, requires_grad=True)
    maps = torch.cat([features, vector[:, :, None, None].expand(-1, -1, *size)], dim=1)
    expected = F.conv2d(maps, torch.cat([conv.weight, conv.vector_weight], dim=1), conv.bias, padding=1)
    expected = F.avg_pool2d(expected, 2) if halve else expected
    made = conv(features, vector)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-5)
    noise = torch.randn_like(made)
    wanted = torch.autograd.grad((expected * noise).sum(), [vector, conv.vector_weight], retain_graph=True)
    found = torch.autograd.grad((made * noise).sum(), [vector, conv.vector_weight])
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


def test_both_parts_start_as_one_convolution_would():
    conv = ConditionedConv2d(60, 4, 50)
    bound = (64 * 9) ** -0.5
    for weight in (conv.weight, conv.vector_weight):
        assert 0.9 * bound < weight.abs().max() <= bound


def test_resolutions():
    features = torch.randn(1, 4, 6, 8)
    assert LeakyResBlock(4, 6, halve=True)(features).shape == (1, 6, 3, 4)
    assert LeakyResBlock(4, 4)(features).shape == (1, 4, 6, 8) and LeakyResBlock(4, 4).skip_conv is None
    assert LeakyUpBlock(4, 2)(features).shape == (1, 2, 12, 16)
