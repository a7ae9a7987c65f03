"""A tiny co_part whose networks have all their parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kinema.systems.co_part.config import CoPartConfig

MakeConfig = Callable[..., CoPartConfig]
VALUES: dict[str, Any] = {
    "frames": {"size": (32, 32)},
    # Sharp heatmaps: random weights then move their points visibly.
    "keypoints": {
        **{"num_parts": 3, "block_expansion": 4, "max_features": 8, "num_blocks": 2},
        **{"scale_factor": 0.5, "temperature": 0.01},
    },
    "generator": {"block_expansion": 4, "max_features": 8, "num_bottleneck_blocks": 1},
    "objective": {"scales": (1, 0.5), "perceptual": ()},
}


@pytest.fixture
def make_config() -> MakeConfig:
    """Changes by part of the config, such as ``objective={"area": 1}``, to a config of 32x32 frames."""

    def make(**changes: Any) -> CoPartConfig:
        values = dict(VALUES)
        for part, change in changes.items():
            values[part] = VALUES.get(part, {}) | change if isinstance(change, dict) else change
        return CoPartConfig.parse(values, origin="test")

    return make
