"""A small deformable_gan and what it learns from."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from kinema.data.samples.batches import PoseBatch
from kinema.systems.deformable_gan.config import DeformableGanConfig

from ...people.poses import random_joints

SMALL_SIZE = (64, 64)


@pytest.fixture
def small_config() -> DeformableGanConfig:
    sizes: dict[str, Any] = {"block_expansion": 4, "max_features": 8}
    values = {
        "frames": {"size": SMALL_SIZE},
        "generator": sizes | {"num_levels": 5},
        "discriminator": sizes | {"size": SMALL_SIZE},
        "train": {"batch_size": 2, "steps": 4},
    }
    return DeformableGanConfig.parse(values, origin="small")


@pytest.fixture
def pose_batch() -> PoseBatch:
    frames = torch.rand(2, 2, 3, *SMALL_SIZE, generator=torch.Generator().manual_seed(0))
    joints = [random_joints(2, SMALL_SIZE, seed=seed) for seed in (0, 1)]
    return PoseBatch(frames[0], frames[1], *joints)
