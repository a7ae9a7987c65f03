"""A tiny first_order whose networks have all their parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kinema.systems.first_order.config import FirstOrderConfig

MakeConfig = Callable[..., FirstOrderConfig]
SIZES = {"num_kp": 4, "block_expansion": 4, "max_features": 8, "num_blocks": 2, "scale_factor": 0.5}
VALUES: dict[str, dict[str, Any]] = {
    "frames": {"size": (32, 32)},
    "keypoints": SIZES | {"pad": 3},
    "motion": SIZES,
    "generator": {"block_expansion": 4, "max_features": 8, "num_bottleneck_blocks": 1},
    "discriminator": {"block_expansion": 4, "num_blocks": 2, "num_kp": 4},
    "objective": {"scales": (1, 0.5), "perceptual": ()},
}


@pytest.fixture
def make_config() -> MakeConfig:
    """Changes by part of the config, such as ``objective={"pixel": (1, 1)}``, to a config of 32x32 frames."""

    def make(**changes: dict[str, Any]) -> FirstOrderConfig:
        parts = VALUES.keys() | changes.keys()
        values = {part: VALUES.get(part, {}) | changes.get(part, {}) for part in parts}
        return FirstOrderConfig.parse(values, origin="test")

    return make
