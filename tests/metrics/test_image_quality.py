"""Pixel metrics against known answers, torchmetrics and what they must do by definition."""

import importlib

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from kinema.core.checks import InputError
from kinema.metrics.image_quality import l1, psnr, ssim


def make_frames(seed: int, *, noise: float = 0.1, size: tuple[int, int] = (40, 52)) -> tuple[Tensor, Tensor]:
    """Smooth random frames (4, 3, H, W) and the same frames with noise of growing strength."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(4, 3, 6, 6, generator=generator)
    frames = F.interpolate(coarse, size=size, mode="bilinear", align_corners=True)
    strength = noise * torch.arange(1, 5).reshape(4, 1, 1, 1) / 4
    return frames, (frames + strength * torch.randn(frames.shape, generator=generator)).clamp(0, 1)


def test_l1_and_psnr_of_a_constant_difference():
    frames = torch.full((2, 3, 8, 8), 0.5)
    other = frames + torch.tensor([0.1, 0.01]).reshape(2, 1, 1, 1)
    torch.testing.assert_close(l1(frames, other), torch.tensor([0.1, 0.01]))
    torch.testing.assert_close(psnr(frames, other), torch.tensor([20.0, 40.0]), atol=1e-3, rtol=0)


def test_equal_frames():
    frames, _ = make_frames(0)
    assert l1(frames, frames).eq(0).all()
    assert ssim(frames, frames).eq(1).all()
    torch.testing.assert_close(psnr(frames, frames), torch.full((4,), 58.9222), atol=1e-3, rtol=0)


@pytest.mark.extra("dev", "torchmetrics")
@pytest.mark.parametrize("size", [(40, 52), (11, 11), (17, 64)])
def test_each_frame_agrees_with_torchmetrics(size: tuple[int, int]):
    functional = importlib.import_module("torchmetrics.functional.image")
    a, b = make_frames(1, size=size)
    expected = functional.structural_similarity_index_measure(a, b, data_range=1.0, reduction="none")
    torch.testing.assert_close(ssim(a, b), expected, atol=1e-4, rtol=0)
    expected = functional.peak_signal_noise_ratio(a, b, data_range=1.0, reduction="none", dim=(1, 2, 3))
    torch.testing.assert_close(psnr(a, b), expected, atol=1e-4, rtol=0)


def test_more_noise_is_always_worse():
    a, b = make_frames(2, noise=0.4)
    for values in (l1(a, b), -psnr(a, b), -ssim(a, b)):
        assert (values.diff() > 0).all()


def test_frames_of_a_batch_do_not_mix():
    a, b = make_frames(3)
    for metric in (l1, psnr, ssim):
        torch.testing.assert_close(metric(a, b)[2:3], metric(a[2:3], b[2:3]))


def test_ssim_of_flat_frames_is_the_luminance_term():
    dark, light = torch.full((1, 3, 16, 16), 0.2), torch.full((1, 3, 16, 16), 0.6)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    torch.testing.assert_close(ssim(dark, light), torch.tensor([expected]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("metric", [l1, psnr, ssim])
def test_shapes_that_differ_are_refused(metric):
    with pytest.raises(InputError, match="same shape"):
        metric(torch.zeros(2, 3, 16, 16), torch.zeros(1, 3, 16, 16))


def test_ssim_refuses_frames_below_its_window():
    with pytest.raises(InputError, match="10x20"):
        ssim(torch.zeros(1, 3, 10, 20), torch.zeros(1, 3, 10, 20))
