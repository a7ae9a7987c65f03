"""Computes adversarial losses: least-squares GAN (Mao et al., ICCV 2017), non-saturating GAN, and feature matching
(Wang et al., CVPR 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def lsgan_generator(scores: Sequence[Tensor]) -> Tensor:
    """The generator's least-squares loss: small where the discriminator takes generated frames for real.

    Args:
        scores: (B, 1, H, W) for each scale.

    Returns:
        Scalar, the sum over scales of mean (1 - score)^2.
    """
    return torch.stack([(1 - score).square().mean() for score in scores]).sum()


def lsgan_discriminator(real: Sequence[Tensor], generated: Sequence[Tensor]) -> Tensor:
    """The discriminator's least-squares loss: small where it tells real from generated frames.

    Args:
        real: (B, 1, H, W) scores of real frames for each scale.
        generated: the same of generated frames.

    Returns:
        Scalar, the sum over scales of mean (1 - real)^2 + mean generated^2.
    """
    terms = [(1 - true).square().mean() + ours.square().mean() for true, ours in zip(real, generated, strict=True)]
    return torch.stack(terms).sum()


def feature_matching(
    real: Sequence[Sequence[Tensor]], generated: Sequence[Sequence[Tensor]], weights: Sequence[float]
) -> Tensor:
    """Mean absolute difference of a discriminator's inner feature maps between real and generated frames.

    Args:
        real: for each scale the (B, C, H, W) maps of real frames, no gradient needed.
        generated: the same of generated frames.
        weights: one for each map; a map of weight 0 is not compared.

    Returns:
        Scalar, the weighted sum of mean absolute differences.
    """
    total = generated[0][0].new_zeros(())
    for real_maps, generated_maps in zip(real, generated, strict=True):
        for true, ours, weight in zip(real_maps, generated_maps, weights, strict=False):
            if weight != 0:
                total = total + weight * (ours - true.detach()).abs().mean()
    return total


def nonsaturating_generator(logits: Tensor) -> Tensor:
    """The generator's non-saturating loss (Goodfellow et al., NeurIPS 2014).

    Args:
        logits: (B, N) of generated frames, N logits a frame.

    Returns:
        Scalar, the mean of -log(p + 1e-7), where p is the probability that a frame is real.
    """
    return -_log_probability(logits).mean()


def nonsaturating_discriminator(real: Tensor, generated: Tensor) -> Tensor:
    """The discriminator's binary cross-entropy on real and generated frames.

    Args:
        real: (B, N) logits of real frames.
        generated: (B, N) logits of generated frames.

    Returns:
        Scalar, the mean of -log(p + 1e-7) of the real and of -log(1 - p + 1e-7) of the generated ones, summed.
    """
    return -_log_probability(real).mean() - _log_probability(-generated).mean()


def _log_probability(logits: Tensor) -> Tensor:
    # At least float32: bfloat16 can represent only a few probabilities near 0 and 1.
    values = logits.float() if logits.dtype == torch.bfloat16 else logits
    return (values.sigmoid() + 1e-7).log()
