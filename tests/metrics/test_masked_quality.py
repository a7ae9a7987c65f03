"""Figures inside a mask, by hand."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.metrics.image_quality import ssim
from kinema.metrics.masked_quality import masked_image_ssim, masked_l1, masked_ssim


def two_halves() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Frames that differ by 0.5 in the left half alone, and the mask of the right half with a quarter of the left."""
    a = torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(0)) * 0.4
    b = a.clone()
    b[..., :20] += 0.5
    mask = torch.zeros(2, 1, 32, 40, dtype=torch.bool)
    mask[..., 15:] = True
    return a, b, mask


def test_only_pixels_of_the_mask_count():
    a, b, mask = two_halves()
    torch.testing.assert_close(masked_l1(a, b, mask), torch.full((2,), 0.5 * 5 / 25))
    everything = torch.ones_like(mask)
    torch.testing.assert_close(masked_ssim(a, b, everything), ssim(a, b))
    far = torch.zeros_like(mask)
    far[..., 26:] = True  # no window there reaches the left half
    torch.testing.assert_close(masked_ssim(a, b, far), torch.ones(2))
    assert (masked_ssim(a, b, ~far) < ssim(a, b)).all()


def test_images_are_black_outside_the_mask():
    a, b, mask = two_halves()
    right = mask.clone()
    right[..., :20] = False
    torch.testing.assert_close(masked_image_ssim(a, b, right), torch.ones(2))
    torch.testing.assert_close(masked_image_ssim(a, b, mask), ssim(a * mask, b * mask))


def test_an_empty_mask_has_no_figure_and_another_shape_is_refused():
    a, b, mask = two_halves()
    assert masked_l1(a, b, torch.zeros_like(mask)).isnan().all()
    with pytest.raises(InputError, match="does not fit"):
        masked_ssim(a, b, mask[:, 0])
