"""Downsampling that keeps what it should."""

import math

import pytest
import torch
import torch.nn.functional as F

from kinema.ops.pyramid import antialias_kernel, downsample, pyramid


@pytest.mark.parametrize(("scale", "length"), [(0.5, 5), (0.25, 13), (0.125, 29)])
def test_kernels_are_symmetric_and_sum_to_one(scale, length):
    kernel = antialias_kernel(scale)
    assert kernel.shape == (length,) and kernel.sum() == pytest.approx(1)
    assert torch.equal(kernel, kernel.flip(0)) and kernel.argmax() == length // 2


@pytest.mark.parametrize(
    ("size", "scale", "expected"), [((8, 12), 0.5, (4, 6)), ((9, 6), 0.25, (3, 2)), ((8, 8), 0.375, (4, 4))]
)
def test_sizes_are_rounded_up(size, scale, expected):
    assert downsample(torch.rand(1, 3, *size), scale).shape == (1, 3, *expected)


def test_a_constant_stays_inside_and_zeros_lie_outside():
    small = downsample(torch.full((1, 3, 64, 64), 0.5), 0.25)
    torch.testing.assert_close(small[..., 2:-2, 2:-2], torch.full((1, 3, 12, 12), 0.5))
    assert small[0, 0, 0, 0] < 0.4


def test_two_passes_equal_the_square_kernel_and_channels_do_not_mix():
    frames = torch.rand(2, 3, 17, 23)
    kernel = antialias_kernel(0.5)
    square = torch.outer(kernel, kernel).expand(3, 1, -1, -1)
    torch.testing.assert_close(downsample(frames, 0.5), F.conv2d(frames, square, padding=2, groups=3)[..., ::2, ::2])


def test_what_a_small_frame_cannot_show_is_gone():
    stripes = 0.5 + 0.5 * torch.cos(math.pi * torch.arange(64.0)).expand(1, 1, 64, 64)
    coarse = 0.5 + 0.5 * torch.cos(math.pi / 16 * torch.arange(64.0)).expand(1, 1, 64, 64)
    inside = (..., slice(4, 12), slice(4, 12))
    assert downsample(stripes, 0.25)[inside].std() < 0.01
    assert downsample(coarse, 0.25)[inside].std() > 0.25


def test_a_pyramid_has_its_scales_in_order():
    frames = torch.rand(1, 3, 16, 24)
    levels = pyramid(frames, (1, 0.25, 0.5))
    assert levels[0] is frames
    assert [level.shape[2:] for level in levels] == [(16, 24), (4, 6), (8, 12)]
    assert torch.equal(levels[1], downsample(frames, 0.25))
