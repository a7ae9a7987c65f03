"""Draws the sample sheets of a training run, as rows of frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.data.samples.batches import Batch

MAX_PAIRS = 8


@torch.no_grad()
def pair_sheet(model: nn.Module, batch: Batch) -> Tensor:
    """Rows of source, driving and generated frames, for up to eight pairs.

    Args:
        model: source and driving (B, 3, H, W) in [0, 1] to generated frames of the same shape.
        batch: pairs (B, 3, H, W).

    Returns:
        (3, 3 H, B W) in [0, 1].
    """
    pairs = batch[:MAX_PAIRS]
    return sheet_of_rows(pairs.source, pairs.driving, model(pairs.source, pairs.driving))


def sheet_of_rows(*rows: Tensor) -> Tensor:
    """N batches (B, 3, H, W) as the rows of one picture, (3, N H, B W) in [0, 1]."""
    return torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1).clamp(0, 1)
