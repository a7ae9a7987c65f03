"""Computes the mutual information of two classifications of the same samples (Ji et al., IIC, ICCV 2019, Eq. 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.distributed import sum_over_processes

_LEAST = torch.finfo(torch.float64).eps


def joint_distribution(first: Tensor, second: Tensor) -> Tensor:
    """Joint distribution of two classifications: how often each pair of classes occurs, over all processes' batches.

    Args:
        first: (..., A) probabilities.
        second: (..., A) probabilities for the same samples.

    Returns:
        (A, A), symmetric, sum 1.
    """
    counts = sum_over_processes(first.flatten(0, -2).mT @ second.flatten(0, -2))
    counts = (counts + counts.mT) / 2
    return counts / counts.sum()


def mutual_information(joint: Tensor, *, marginal_entropy: float = 1.0) -> Tensor:
    """The mutual information of a joint distribution; large when both classifications agree and use all classes.

    Args:
        joint: (A, A), sum 1.
        marginal_entropy: weight of the entropies of the marginals; a value above 1 favours the use of all classes.

    Returns:
        Scalar, nats.
    """
    rows, columns = (joint.sum(dim=axis, keepdim=True).clamp_min(_LEAST) for axis in (1, 0))
    joint = joint.clamp_min(_LEAST)
    return (joint * (joint.log() - marginal_entropy * (rows.log() + columns.log()))).sum()
