"""Measures how far generated frames are from real ones, over an image pyramid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def weighted_l1(generated: Sequence[Tensor], real: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Sum of mean absolute differences of corresponding tensors.

    Used on pyramid levels (pixel loss) and on maps of a frozen network (perceptual loss, FOMM Sec. 3.3).

    Args:
        generated: (B, C, H, W) tensors.
        real: the same shapes; no gradient flows into them.
        weights: one for each; a weight of 0 skips its tensor.

    Returns:
        Scalar.
    """
    pairs = zip(generated, real, weights, strict=True)
    terms = [weight * (ours - true.detach()).abs().mean() for ours, true, weight in pairs if weight != 0]
    return torch.stack(terms).sum()
