"""Parts that must agree, and what the authors' presets say."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.deformable_gan.model import DeformableGanModel
from kinema.systems.deformable_gan.presets import PRESETS, fashion_full, market_baseline, market_full, small_128


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["pose.maps=stickman"], "needs generator.pose_channels"),
        (["motion.kind=none"], "one encoder if nothing moves"),
        (["generator.background=true"], "must be equal"),
        (["generator.background=true", "discriminator.background=true", "discriminator.kind=sim"], "kind call"),
        (["motion.kind=stn", "discriminator.kind=warp"], "needs motion.kind mask or full"),
        (["frames.size=[64, 64]"], "discriminator.size and frames.size"),
        (["frames.size=[128, 80]", "discriminator.size=[128, 80]"], "multiples of 32"),
        (["objective.pixel_area=2"], "must be odd"),
    ],
)
def test_what_does_not_agree_is_refused(assignments: list[str], message: str):
    with pytest.raises(InputError, match=message):
        DeformableGanConfig().override(assignments)


def test_the_papers_variants():
    full, baseline = market_full(), market_baseline()
    assert full.size == (128, 64) and full.motion.kind == "mask" and full.motion.aggregation == "max"
    assert (full.objective.perceptual, full.objective.perceptual_area, full.objective.pixel) == ((0.01,), 3, 0)
    assert baseline.motion.kind == "none" and baseline.objective.pixel == 200
    assert fashion_full().objective.perceptual_area == 5 and fashion_full().train.batch_size == 2
    assert all(PRESETS[name]().train.steps == 90_000 for name in PRESETS if name != "small_128")


def test_the_small_one_is_small():
    with torch.device("meta"):
        model = DeformableGanModel(small_128())
    assert sum(parameter.numel() for parameter in model.parameters()) < 3_000_000
