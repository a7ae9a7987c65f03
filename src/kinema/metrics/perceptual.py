"""Measures how much two batches of frames differ for a frozen image network, with one value for each frame."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.core.checks import InputError


def perceptual_metric_name(features: PerceptualFeatures) -> str:
    """The name under which ``perceptual_distance`` is reported, such as "perceptual distance (efficientnet_lite0)"."""
    return f"perceptual distance ({features.name})"


@torch.no_grad()
def perceptual_distance(features: PerceptualFeatures, frames_a: Tensor, frames_b: Tensor) -> Tensor:
    """Squared distance of feature vectors normalised to length 1, averaged over pixels and then over maps.

    This is LPIPS (Zhang et al., CVPR 2018, Eq. 1) with every learned channel weight set to 1 and the mean over maps
    instead of the sum. Compare only figures of the same network and depth, and never with published LPIPS. It detects
    blur and shifts but hardly brightness, so report it together with an L1.

    Args:
        features: the network.
        frames_a: (N, 3, H, W) in [0, 1].
        frames_b: (N, 3, H, W) in [0, 1].

    Returns:
        (N,) in [0, 4], 0 for equal frames; at most 2 for networks whose maps are not negative.

    Raises:
        InputError: the shapes differ.
    """
    if frames_a.shape != frames_b.shape:
        raise InputError(
            f"frames of shapes {tuple(frames_a.shape)} and {tuple(frames_b.shape)} cannot be compared; "
            "give two batches (N, 3, H, W) of the same shape"
        )
    distances = []
    for map_a, map_b in zip(features.features(frames_a), features.features(frames_b), strict=True):
        difference = F.normalize(map_a.float(), dim=1) - F.normalize(map_b.float(), dim=1)
        distances.append(difference.square().sum(dim=1).mean(dim=(1, 2)))
    return torch.stack(distances).mean(dim=0)
