"""Computes entropies and divergences of categorical and normal distributions."""

from __future__ import annotations

import torch
from torch import Tensor

# Smaller variances are raised to this, because the logarithm of 0 is infinite.
_LEAST_VARIANCE = 1e-12


def entropy(probabilities: Tensor) -> Tensor:
    """Mean entropy of (..., A) probabilities: a scalar, nats; a probability of 0 adds nothing."""
    return torch.special.entr(probabilities).sum(dim=-1).mean()


def entropy_of_logits(logits: Tensor) -> Tensor:
    """Mean entropy of the distributions of (..., A) logits: a scalar, nats."""
    logs = torch.log_softmax(logits, dim=-1)
    return -(logs.exp() * logs).sum(dim=-1).mean()


def kl_between_logits(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of the predicted distributions from the target distributions.

    Args:
        logits: (..., A).
        wanted: (..., A) logits of the target distributions.

    Returns:
        Scalar, nats: the mean of sum q (log q - log p) for p of ``logits`` and q of ``wanted``.
    """
    logs, wanted_logs = torch.log_softmax(logits, dim=-1), torch.log_softmax(wanted, dim=-1)
    return (wanted_logs.exp() * (wanted_logs - logs)).sum(dim=-1).mean()


def kl_from_standard_normal(mean: Tensor, variance: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of diagonal normal distributions from N(0, I).

    Args:
        mean: (..., d).
        variance: (..., d), not negative.

    Returns:
        Scalar, nats, not negative.
    """
    logs = variance.clamp_min(_LEAST_VARIANCE).log()
    return 0.5 * (mean.square() + variance - 1 - logs).sum(dim=-1).mean()


def kl_of_means(
    mean: Tensor, variance: Tensor, real_mean: Tensor, real_variance: Tensor, *, least_variance: float = 0.05
) -> Tensor:
    """Mean Kullback-Leibler divergence of diagonal normal distributions from others, with gradients for the means only.

    As in CADDY's code, variances get no gradient, and ``least_variance`` applies to the ratios, not to the logarithms.

    Args:
        mean: (..., d).
        variance: (..., d), not negative.
        real_mean: (..., d) of the target distributions.
        real_variance: (..., d), not negative.
        least_variance: smaller variances are raised to this.

    Returns:
        Scalar, nats.
    """
    variance, real_variance = variance.detach(), real_variance.detach()
    logs = real_variance.clamp_min(_LEAST_VARIANCE).log() - variance.clamp_min(_LEAST_VARIANCE).log()
    variance, real_variance = variance.clamp_min(least_variance), real_variance.clamp_min(least_variance)
    ratios = (variance + (real_mean - mean).square()) / real_variance
    return 0.5 * (logs - 1 + ratios).sum(dim=-1).mean()
