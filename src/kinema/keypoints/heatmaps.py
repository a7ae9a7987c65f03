"""Predicts the heatmaps of a detector and averages maps of Jacobians under them; shared by all detectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.ops.heatmap import spatial_softmax


def predict_heatmaps(head: nn.Conv2d, features: Tensor, *, temperature: float) -> Tensor:
    """Turns features into heatmaps, in the precision of the head's weights.

    Args:
        head: the convolution that predicts the logits.
        features: (B, C, H, W).
        temperature: of the softmax; lower is sharper.

    Returns:
        (B, K, h, w), each map with sum 1.
    """
    # A low temperature multiplies what bfloat16 would round off the logits, and the points would jitter.
    with torch.autocast(features.device.type, enabled=False):
        return spatial_softmax(head(features.to(head.weight.dtype)), temperature=temperature)


def average_jacobians(maps: Tensor, heatmap: Tensor) -> Tensor:
    """Averages maps of Jacobians, weighted by the heatmap of each keypoint.

    Args:
        maps: (B, 4 K, h, w), the four numbers of a keypoint's Jacobian together; (B, 4, h, w) for one map that all
            keypoints share.
        heatmap: (B, K, h, w), each map with sum 1.

    Returns:
        (B, K, 2, 2).
    """
    weights = heatmap.flatten(2)  # (B, K, h * w)
    # Autocast would round the result to bfloat16, and the motion with it.
    with torch.autocast(maps.device.type, enabled=False):
        values = maps.to(weights.dtype).flatten(2).unflatten(1, (-1, 4))  # (B, K or 1, 4, h * w)
        if values.shape[1] == 1:
            jacobian = weights @ values[:, 0].mT  # (B, K, 4)
        else:
            jacobian = (values @ weights.unsqueeze(-1)).squeeze(-1)  # (B, K, 4)
    return jacobian.unflatten(-1, (2, 2))


def start_as_identity(head: nn.Conv2d) -> None:
    """Sets a head so that every Jacobian that it predicts is the identity: training starts from pure translation."""
    nn.init.zeros_(head.weight)
    assert head.bias is not None
    head.bias.data.copy_(torch.tensor([1.0, 0.0, 0.0, 1.0]).repeat(len(head.bias) // 4))
