"""Measures how much two batches of frames differ pixel by pixel, with one value for each frame."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from kinema.core.checks import InputError

# The mean square of rounding to 8 bits (by up to half a level), the precision of 8-bit frames: 58.9 dB.
ROUNDING_ERROR = 1 / (12 * 255**2)

_WINDOW, _SIGMA = 11, 1.5
_K1, _K2 = 0.01, 0.03


def l1(frames_a: Tensor, frames_b: Tensor) -> Tensor:
    """Mean absolute difference, the reconstruction L1 of the first-order paper.

    Args:
        frames_a: (N, 3, H, W) in [0, 1].
        frames_b: (N, 3, H, W) in [0, 1].

    Returns:
        (N,) in [0, 1], 0 for equal frames; multiply by 255 for grey levels.
    """
    _check_same_shape(frames_a, frames_b)
    return (frames_a.float() - frames_b.float()).abs().mean(dim=(1, 2, 3))


def mse(frames_a: Tensor, frames_b: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean squared difference.

    Args:
        frames_a: (N, 3, H, W) in [0, 1].
        frames_b: (N, 3, H, W) in [0, 1].
        weights: (N, 1, H, W), multiplied with the squares before the mean is taken, such as
            :func:`frame_differences` for CADDY's motion-masked error; None: 1.

    Returns:
        (N,) in [0, 1], 0 for equal frames.
    """
    _check_same_shape(frames_a, frames_b)
    squares = (frames_a.float() - frames_b.float()).square()
    return (squares if weights is None else squares * weights.float()).mean(dim=(1, 2, 3))


def frame_differences(clips: Tensor) -> Tensor:
    """The motion in clips: mean absolute difference of colours from the previous frame; 0 in the first frame.

    Args:
        clips: (B, T, 3, H, W) in [0, 1].

    Returns:
        (B, T, 1, H, W) in [0, 1].
    """
    moved = clips.float().diff(dim=1).abs().mean(dim=2, keepdim=True)
    return torch.cat([torch.zeros_like(moved[:, :1]), moved], dim=1)


def psnr(frames_a: Tensor, frames_b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio for a peak of 1.

    The mean squared error is raised to at least that of rounding to 8 bits, so that equal frames have a finite 58.9 dB
    and do not dominate a mean over many frames.

    Args:
        frames_a: (N, 3, H, W) in [0, 1].
        frames_b: (N, 3, H, W) in [0, 1].

    Returns:
        (N,) decibels in [0, 58.92].
    """
    _check_same_shape(frames_a, frames_b)
    error = mse(frames_a, frames_b)
    return -10 * torch.log10(error.clamp(min=ROUNDING_ERROR))


def ssim(frames_a: Tensor, frames_b: Tensor) -> Tensor:
    """Structural similarity (Wang et al., "Image Quality Assessment", IEEE TIP 2004, Eq. 13), mean over colours.

    Uses a Gaussian window of 11x11 pixels and sigma 1.5, K1 0.01, K2 0.03, data range 1. There is a window around every
    pixel, and the frame is reflected at its border, as in torchmetrics. Implementations that use only windows inside
    the frame differ by up to 0.03 on small frames.

    Args:
        frames_a: (N, 3, H, W) in [0, 1], both sides at least 11.
        frames_b: (N, 3, H, W) in [0, 1].

    Returns:
        (N,) in [-1, 1], 1 for equal frames.

    Raises:
        InputError: shapes differ, or a side is shorter than the window.
    """
    return ssim_map(frames_a, frames_b).mean(dim=(1, 2, 3))


def ssim_map(frames_a: Tensor, frames_b: Tensor) -> Tensor:
    """Structural similarity around each pixel, of which :func:`ssim` is the mean.

    Args:
        frames_a: (N, C, H, W) in [0, 1], both sides at least 11.
        frames_b: (N, C, H, W) in [0, 1].

    Returns:
        (N, C, H, W) in [-1, 1].

    Raises:
        InputError: shapes differ, or a side is shorter than the window.
    """
    _check_same_shape(frames_a, frames_b)
    if min(frames_a.shape[-2:]) < _WINDOW:
        height, width = frames_a.shape[-2:]
        raise InputError(f"ssim: frames of {height}x{width} (height x width) are below its window of 11x11")
    a, b = frames_a.float(), frames_b.float()
    means = _gaussian_means(torch.cat([a, b, a * a, b * b, a * b]))
    mean_a, mean_b, square_a, square_b, product = means.chunk(5)
    variance_a, variance_b = square_a - mean_a**2, square_b - mean_b**2
    covariance = product - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _K1**2) / (mean_a**2 + mean_b**2 + _K1**2)
    structure = (2 * covariance + _K2**2) / (variance_a + variance_b + _K2**2)
    return luminance * structure


def _gaussian_means(frames: Tensor) -> Tensor:
    """Gaussian-weighted means of ``frames`` (N, C, H, W) around every pixel, same shape."""
    offsets = torch.arange(_WINDOW, device=frames.device, dtype=frames.dtype) - _WINDOW // 2
    weights = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights = weights / weights.sum()
    planes = F.pad(frames, (_WINDOW // 2,) * 4, mode="reflect").flatten(0, 1).unsqueeze(1)  # (N * C, 1, H+10, W+10)
    planes = F.conv2d(planes, weights.reshape(1, 1, 1, -1))
    planes = F.conv2d(planes, weights.reshape(1, 1, -1, 1))
    return planes.squeeze(1).unflatten(0, frames.shape[:2])


def _check_same_shape(frames_a: Tensor, frames_b: Tensor) -> None:
    """Refuses frames of different shapes, which could otherwise broadcast."""
    if frames_a.shape != frames_b.shape or frames_a.ndim != 4:
        raise InputError(
            f"frames of shapes {tuple(frames_a.shape)} and {tuple(frames_b.shape)} cannot be compared; "
            "give two batches (N, 3, H, W) of the same shape"
        )
