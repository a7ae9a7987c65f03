"""Measures how much two batches of frames differ inside a mask of a person, with one value for each frame."""

from __future__ import annotations

from torch import Tensor

from kinema.core.checks import InputError
from kinema.metrics.image_quality import ssim, ssim_map


def masked_l1(frames_a: Tensor, frames_b: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference over the pixels of the mask and the colours.

    Args:
        frames_a: (N, 3, H, W) in [0, 1].
        frames_b: (N, 3, H, W) in [0, 1].
        mask: (N, 1, H, W) bool.

    Returns:
        (N,) in [0, 1]; NaN where the mask is empty.
    """
    _check_mask(frames_a, mask)
    return _mean_inside((frames_a.float() - frames_b.float()).abs(), mask)


def masked_ssim(frames_a: Tensor, frames_b: Tensor, mask: Tensor) -> Tensor:
    """Structural similarity of the whole frames (``ssim``), averaged over only the pixels of the mask.

    Windows around pixels near the border of the mask also include pixels outside it.

    Args:
        frames_a: (N, 3, H, W) in [0, 1], both sides at least 11.
        frames_b: (N, 3, H, W) in [0, 1].
        mask: (N, 1, H, W) bool.

    Returns:
        (N,) in [-1, 1]; NaN where the mask is empty.
    """
    _check_mask(frames_a, mask)
    return _mean_inside(ssim_map(frames_a, frames_b), mask)


def masked_image_ssim(frames_a: Tensor, frames_b: Tensor, mask: Tensor) -> Tensor:
    """Structural similarity of whole frames that are black outside the mask.

    This is the mask-SSIM of Ma et al. ("Pose Guided Person Image Generation", NeurIPS 2017), whose masks are those of
    the target's pose. Since black areas agree, it is closer to 1 for smaller masks.

    Args:
        frames_a: (N, 3, H, W) in [0, 1], both sides at least 11.
        frames_b: (N, 3, H, W) in [0, 1].
        mask: (N, 1, H, W) bool.

    Returns:
        (N,) in [-1, 1], 1 for frames that are equal inside the mask.
    """
    _check_mask(frames_a, mask)
    return ssim(frames_a * mask, frames_b * mask)


def _mean_inside(values: Tensor, mask: Tensor) -> Tensor:
    """(N, C, H, W) to (N,); 0 / 0 is NaN."""
    return (values * mask).sum(dim=(1, 2, 3)) / (mask.sum(dim=(1, 2, 3)) * values.shape[1])


def _check_mask(frames: Tensor, mask: Tensor) -> None:
    if mask.shape != (len(frames), 1, *frames.shape[2:]):
        raise InputError(f"a mask of shape {tuple(mask.shape)} does not fit frames of shape {tuple(frames.shape)}")
