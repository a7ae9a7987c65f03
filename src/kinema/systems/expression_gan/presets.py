"""Lists the presets of expression_gan: the paper's components at a guessed size, and ours for CPUs."""

from __future__ import annotations

from collections.abc import Callable

from kinema.systems.expression_gan.config import ExpressionGanConfig
from kinema.systems.preset_settings import small_training


def paper_64() -> ExpressionGanConfig:
    """The paper's components, 64 x 64; sizes and weights are a reconstruction."""
    values = {
        "train": {"steps": 60_000, "batch_size": 16, "schedule": "constant"},
        "objective": {"sequence_step": 30_000, "joint_step": 45_000},
    }
    return ExpressionGanConfig.parse(values, origin="preset")


def small_64() -> ExpressionGanConfig:
    """Ours for 64 x 64: under three million weights, features that need no download."""
    values = {
        "expressions": {"length": 16, "frame_rate": 12.5},
        "image": {"num_codes": 64, "block_expansion": 24, "max_features": 192, "sees_neutral": True},
        "sequence": {"num_codes": 64, "num_features": 192},
        "discriminator": {"block_expansion": 16, "max_features": 128, "num_blocks": 3},
        "identity": {"num_channels": 6, "block_expansion": 16, "max_features": 128, "num_blocks": 3},
        "objective": {"perceptual": (0.1, 0.1, 0.1), "lr_generator": 1e-3, "lr_discriminator": 4e-4},
        "train": small_training(8000) | {"clip_norm": 1.0},
    }
    return ExpressionGanConfig.parse(values, origin="preset")


PRESETS: dict[str, Callable[[], ExpressionGanConfig]] = {"paper_64": paper_64, "small_64": small_64}
