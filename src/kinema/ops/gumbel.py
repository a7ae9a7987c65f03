"""Samples classes differentiably (Jang et al., "Categorical Reparameterization with Gumbel-Softmax", 2017)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_TINY = 1e-20


def gumbel_softmax(log_probabilities: Tensor, uniform: Tensor, *, temperature: float, hard: bool = False) -> Tensor:
    """Samples of a categorical distribution, through which gradients pass.

    Args:
        log_probabilities: (..., A).
        uniform: (..., A) numbers drawn uniformly from [0, 1).
        temperature: above 0; samples are nearly one-hot at low temperatures and nearly uniform at high ones.
        hard: one-hot samples with the gradient of the soft ones (straight through).

    Returns:
        (..., A), not negative, sum 1.
    """
    gumbel = -torch.log(-torch.log(uniform + _TINY) + _TINY)
    soft = torch.softmax((log_probabilities + gumbel) / temperature, dim=-1)
    if not hard:
        return soft
    chosen = F.one_hot(soft.argmax(dim=-1), soft.shape[-1]).to(soft)
    return (chosen - soft).detach() + soft
