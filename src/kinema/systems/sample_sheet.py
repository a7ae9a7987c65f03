"""What a training run shows of a system that redraws one frame of a pair from the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.core.types import Batch

MAX_PAIRS = 8


@torch.no_grad()
def pair_sheet(model: nn.Module, batch: Batch) -> Tensor:
    """Rows of source, driving, made frame, for up to eight pairs.

    Args:
        model: source and driving (B, 3, H, W) in [0, 1] to made frames of the same shape.
        batch: pairs (B, 3, H, W).

    Returns:
        (3, 3 H, B W) in [0, 1].
    """
    pairs = batch[:MAX_PAIRS]
    made = model(pairs.source, pairs.driving)
    rows = [torch.cat(list(row), dim=2) for row in (pairs.source, pairs.driving, made)]
    return torch.cat(rows, dim=1).clamp(0, 1)
