"""Compares generated with real frames by pixels and by the maps of a perceptual network, on an image pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, Self

from pydantic import Field, model_validator
from torch import Tensor

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.core.config import Config
from kinema.losses.perceptual import perceptual_pyramid
from kinema.losses.reconstruction import weighted_l1


class PyramidLossConfig(Config):
    """Weights of the losses that compare frames on each level of an image pyramid; 0 switches a term off."""

    scales: tuple[float, ...] = Field(default=(1.0, 0.5, 0.25, 0.125), min_length=1, description="of the image pyramid")
    pixel: tuple[float, ...] = Field(default=(), description="L1 on each level of the pyramid; not in the paper, ours")
    perceptual: tuple[float, ...] = Field(
        default=(10, 10, 10, 10, 10), description="for each map of the perceptual network"
    )
    perceptual_network: Literal["vgg19", "efficientnet_lite0"] = Field(
        default="vgg19", description="vgg19 is the paper's"
    )

    @model_validator(mode="after")
    def _one_weight_a_level(self) -> Self:
        if self.pixel and len(self.pixel) != len(self.scales):
            raise ValueError(
                f"objective.pixel needs one weight for each of objective.scales ({len(self.scales)}), or none; "
                f"it has {len(self.pixel)}"
            )
        return self

    @property
    def uses_features(self) -> bool:
        """Whether a perceptual network is needed."""
        return any(weight != 0 for weight in self.perceptual)


class _Objective(Protocol):
    @property
    def uses_features(self) -> bool: ...


def check_perceptual_network(objective: _Objective, features: PerceptualFeatures | None) -> None:
    """Refuses an objective with perceptual weights to which no perceptual network was given.

    Raises:
        ValueError: ``objective.uses_features``, and ``features`` is None.
    """
    if objective.uses_features and features is None:
        raise ValueError("the objective has perceptual weights, but no perceptual network was given")


def pyramid_losses(
    generated: Sequence[Tensor],
    real: Sequence[Tensor],
    weights: PyramidLossConfig,
    features: PerceptualFeatures | None,
) -> dict[str, Tensor]:
    """Weighted distances of generated from real frames.

    Args:
        generated: (B, 3, h, w) in [0, 1] for each level of the pyramid.
        real: the same of real frames.
        weights: of the levels and of the maps.
        features: the perceptual network; None where ``weights`` uses none.

    Returns:
        Name to scalar: pixel and perceptual, those whose weight is not 0.
    """
    losses: dict[str, Tensor] = {}
    if any(weights.pixel):
        losses["pixel"] = weighted_l1(generated, real, weights.pixel)
    if weights.uses_features:
        assert features is not None
        losses["perceptual"] = perceptual_pyramid(features, generated, real, weights.perceptual)
    return losses
