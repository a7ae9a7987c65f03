"""Least-squares GAN (Mao et al., ICCV 2017), non-saturating GAN, and feature matching (Wang et al., CVPR 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def lsgan_generator(scores: Sequence[Tensor]) -> Tensor:
    """How far made frames are from being taken for real.

    Args:
        scores: (B, 1, H, W) for each scale.

    Returns:
        Scalar, the sum over scales of mean (1 - score)^2.
    """
    return torch.stack([(1 - score).square().mean() for score in scores]).sum()


def lsgan_discriminator(real: Sequence[Tensor], made: Sequence[Tensor]) -> Tensor:
    """How far a discriminator is from telling real from made.

    Args:
        real: (B, 1, H, W) scores of real frames for each scale.
        made: the same of made frames.

    Returns:
        Scalar, the sum over scales of mean (1 - real)^2 + mean made^2.
    """
    terms = [(1 - r).square().mean() + m.square().mean() for r, m in zip(real, made, strict=True)]
    return torch.stack(terms).sum()


def feature_matching(
    real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]], weights: Sequence[float]
) -> Tensor:
    """Distance of a discriminator's inner maps between real and made frames.

    Args:
        real: for each scale the (B, C, H, W) maps of real frames, no gradient needed.
        made: the same of made frames.
        weights: one for each map; a map of weight 0 is not compared.

    Returns:
        Scalar, the weighted sum of mean absolute differences.
    """
    total = made[0][0].new_zeros(())
    for real_maps, made_maps in zip(real, made, strict=True):
        for r, m, weight in zip(real_maps, made_maps, weights, strict=False):
            if weight != 0:
                total = total + weight * (m - r.detach()).abs().mean()
    return total


def nonsaturating_generator(logits: Tensor) -> Tensor:
    """How far made frames are from being taken for real, by the probability of it (Goodfellow et al., NeurIPS 2014).

    Args:
        logits: (B, N) of made frames, any number a frame.

    Returns:
        Scalar, the mean of -log(p + 1e-7).
    """
    return -_log_probability(logits).mean()


def nonsaturating_discriminator(real: Tensor, made: Tensor) -> Tensor:
    """How far a discriminator is from telling real from made, by the probabilities that it gives.

    Args:
        real: (B, N) logits of real frames.
        made: (B, N) logits of made frames.

    Returns:
        Scalar, the mean of -log(p + 1e-7) of the real and of -log(1 - p + 1e-7) of the made ones, summed.
    """
    return -_log_probability(real).mean() - _log_probability(-made).mean()


def _log_probability(logits: Tensor) -> Tensor:
    # Float32 at least: close to 0 and 1 bfloat16 knows a few probabilities only.
    values = logits.float() if logits.dtype == torch.bfloat16 else logits
    return (values.sigmoid() + 1e-7).log()
