"""Measures perceptual distance: differences of a frozen network's features over an image pyramid (Johnson et al., ECCV
2016; FOMM Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.losses.reconstruction import weighted_l1


def perceptual_pyramid(
    features: PerceptualFeatures, generated: Sequence[Tensor], real: Sequence[Tensor], weights: Sequence[float]
) -> Tensor:
    """Sum over levels and maps of the weighted mean absolute differences.

    Args:
        features: the frozen network.
        generated: levels of the generated frames, each (B, 3, h, w) in [0, 1].
        real: the same of the real frames; computed once, no gradient flows into them.
        weights: one for each map of the network.

    Returns:
        Scalar.
    """
    total = generated[0].new_zeros(())
    for generated_level, real_level in zip(generated, real, strict=True):
        with torch.no_grad():
            real_maps = features(real_level)
        total = total + weighted_l1(features(generated_level), real_maps, weights)
    return total
