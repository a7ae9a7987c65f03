"""Entropies and divergences of categorical and normal distributions."""

from __future__ import annotations

import torch
from torch import Tensor

# Below this a variance counts as none, whose logarithm has no end.
_LEAST_VARIANCE = 1e-12


def entropy(probabilities: Tensor) -> Tensor:
    """Mean entropy of (..., A) probabilities: a scalar, nats; a probability of 0 adds nothing."""
    return torch.special.entr(probabilities).sum(dim=-1).mean()


def entropy_of_logits(logits: Tensor) -> Tensor:
    """Mean entropy of the distributions of (..., A) logits: a scalar, nats."""
    logs = torch.log_softmax(logits, dim=-1)
    return -(logs.exp() * logs).sum(dim=-1).mean()


def kl_between_logits(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean divergence of what logits say from what is wanted.

    Args:
        logits: (..., A).
        wanted: (..., A) logits of the distributions to come close to.

    Returns:
        Scalar, nats: the mean of sum q (log q - log p) for p of ``logits`` and q of ``wanted``.
    """
    logs, wanted_logs = torch.log_softmax(logits, dim=-1), torch.log_softmax(wanted, dim=-1)
    return (wanted_logs.exp() * (wanted_logs - logs)).sum(dim=-1).mean()


def kl_from_standard_normal(mean: Tensor, variance: Tensor) -> Tensor:
    """Mean divergence of diagonal normal distributions from N(0, I).

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
    """Mean divergence of diagonal normal distributions from others, which moves the means alone.

    As CADDY's code has it: variances take no gradient, and the ratios, not the logarithms, see the least variance.

    Args:
        mean: (..., d).
        variance: (..., d), not negative.
        real_mean: (..., d) of the distributions to come close to.
        real_variance: (..., d), not negative.
        least_variance: smaller ones count as this.

    Returns:
        Scalar, nats.
    """
    variance, real_variance = variance.detach(), real_variance.detach()
    logs = real_variance.clamp_min(_LEAST_VARIANCE).log() - variance.clamp_min(_LEAST_VARIANCE).log()
    variance, real_variance = variance.clamp_min(least_variance), real_variance.clamp_min(least_variance)
    ratios = (variance + (real_mean - mean).square()) / real_variance
    return 0.5 * (logs - 1 + ratios).sum(dim=-1).mean()
