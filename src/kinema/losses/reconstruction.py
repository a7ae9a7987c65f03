"""Distances between a made frame and the real one, over an image pyramid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def weighted_l1(made: Sequence[Tensor], real: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Sum of mean absolute differences of corresponding tensors.

    Used on pyramid levels (pixel loss) and on maps of a frozen network (perceptual loss, FOMM Sec. 3.3).

    Args:
        made: (B, C, H, W) tensors.
        real: the same shapes; no gradient flows into them.
        weights: one for each; a weight of 0 skips its tensor.

    Returns:
        Scalar.
    """
    terms = [
        weight * (m - r.detach()).abs().mean() for m, r, weight in zip(made, real, weights, strict=True) if weight != 0
    ]
    return torch.stack(terms).sum()
