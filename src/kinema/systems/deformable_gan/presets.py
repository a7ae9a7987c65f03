"""Lists the presets of deformable_gan: the paper's four variants at its two sizes, and ours for CPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.preset_settings import small_training

# 90 epochs, each 1000 steps whatever the data; Adam at a constant rate.
_TRAIN: dict[str, Any] = {"steps": 90_000, "batch_size": 4, "schedule": "constant"}
_SIZES: dict[str, dict[str, Any]] = {
    "market": {"size": (128, 64), "num_levels": 6, "area": 3},
    "fashion": {"size": (256, 256), "num_levels": 7, "area": 5},
}


def _authors(size: str, *, moves: bool = True, **objective: Any) -> DeformableGanConfig:
    """What the authors' README trains with at a size, and the objective of a variant."""
    facts = _SIZES[size]
    values = {
        "frames": {"size": facts["size"], "fit": "stretch"},
        "motion": {"kind": "mask" if moves else "none"},
        "generator": {"num_levels": facts["num_levels"], "two_encoders": moves},
        "discriminator": {"size": facts["size"]},
        "objective": objective,
        "train": _TRAIN,
    }
    return DeformableGanConfig.parse(values, origin="preset")


def market_baseline() -> DeformableGanConfig:
    """Street cameras, 128 x 64; one encoder, L1: the paper's network without deformable skips."""
    return _authors("market", moves=False)


def market_dsc() -> DeformableGanConfig:
    """Street cameras, 128 x 64; deformable skips, L1."""
    return _authors("market")


def market_full() -> DeformableGanConfig:
    """Street cameras, 128 x 64; deformable skips and nearest neighbours in features: the paper's."""
    return _authors("market", pixel=0, perceptual=(0.01,), perceptual_area=3)


def market_fm() -> DeformableGanConfig:
    """Street cameras, 128 x 64; deformable skips, features compared in place."""
    return _authors("market", pixel=0, perceptual=(0, 0.5))


def fashion_baseline() -> DeformableGanConfig:
    """Shop photos, 256 x 256; one encoder, L1."""
    return _authors("fashion", moves=False)


def fashion_dsc() -> DeformableGanConfig:
    """Shop photos, 256 x 256; deformable skips, L1."""
    return _authors("fashion")


def fashion_full() -> DeformableGanConfig:
    """Shop photos, 256 x 256; deformable skips and nearest neighbours in features: the paper's, two pairs a step."""
    full = _authors("fashion", pixel=0, perceptual=(0.01,), perceptual_area=5)
    return full.override(["train.batch_size=2"])


def fashion_fm() -> DeformableGanConfig:
    """Shop photos, 256 x 256; deformable skips, features compared in place."""
    return _authors("fashion", pixel=0, perceptual=(0, 0.5))


def small_128() -> DeformableGanConfig:
    """Ours for 128 x 64: under three million weights, features that need no download."""
    values = {
        "frames": {"size": (128, 64), "horizontal_flip": 0.5, "colour": 0.15},
        "generator": {"block_expansion": 24, "max_features": 96, "num_levels": 6, "matte": True},
        "discriminator": {"size": (128, 64), "block_expansion": 24, "max_features": 128},
        "objective": {
            "pixel": 40,
            "person": 10,
            "matte": 2,
            "perceptual": (0.2, 0.2, 0.2),
            "perceptual_network": "efficientnet_lite0",
            "generator_gan": 0.2,
            "gan_start_step": 2500,
            "dropout": 0.2,
            "lr_generator": 1e-3,
            "lr_discriminator": 4e-4,
        },
        "train": small_training(5000),
    }
    return DeformableGanConfig.parse(values, origin="preset")


PRESETS: dict[str, Callable[[], DeformableGanConfig]] = {
    "market_baseline": market_baseline,
    "market_dsc": market_dsc,
    "market_full": market_full,
    "market_fm": market_fm,
    "fashion_baseline": fashion_baseline,
    "fashion_dsc": fashion_dsc,
    "fashion_full": fashion_full,
    "fashion_fm": fashion_fm,
    "small_128": small_128,
}
