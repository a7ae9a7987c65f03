"""A tiny monkey_net whose networks have all their parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kinema.systems.monkey_net.config import MonkeyNetConfig

MakeConfig = Callable[..., MonkeyNetConfig]
SIZES = {"num_kp": 4, "block_expansion": 4, "max_features": 8, "num_blocks": 2}
VALUES: dict[str, dict[str, Any]] = {
    "frames": {"size": (32, 32)},
    # Sharp heatmaps: random weights then move their points visibly.
    "keypoints": SIZES | {"scale_factor": 0.5, "temperature": 0.01, "clip_variance": 0.001},
    "motion": SIZES | {"scale_factor": 0.5, "num_group_blocks": 1},
    "generator": SIZES | {"num_refinement_blocks": 1, "kp_embedding": {"norm_const": 1}},
    "discriminator": SIZES | {"kp_embedding": {"norm_const": 1, "heatmap_type": "difference"}},
    "objective": {"reconstruction": (10, 5, 1)},
}


@pytest.fixture
def make_config() -> MakeConfig:
    """Changes by part of the config, such as ``objective={"separation": 5}``, to a config of 32x32 frames."""

    def make(**changes: dict[str, Any] | None) -> MonkeyNetConfig:
        values: dict[str, Any] = dict(VALUES)
        for part, change in changes.items():
            values[part] = None if change is None else VALUES.get(part, {}) | change
        return MonkeyNetConfig.parse(values, origin="test")

    return make
