"""Losses of a pair, phases, and a dropout that a resumed run draws again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from kinema.blocks.vgg_caffe import VggCaffeFeatures
from kinema.core.types import PoseBatch
from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.deformable_gan.objective import DeformableGanTraining
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.train.phases import Turn


def turn(seed: int = 0, **values: int) -> Turn:
    return Turn(0, torch.Generator().manual_seed(seed), **values)


def test_terms_follow_their_weights(small_config: DeformableGanConfig, pose_batch: PoseBatch):
    training = DeformableGanTraining(small_config)
    losses = training.repose_losses(pose_batch, now := turn())
    assert losses.keys() == {"pixel", "generator_gan"}
    assert training.discriminate_losses(pose_batch, now).keys() == {"discriminator_gan"}
    made = now.shared["prediction"]
    assert losses["pixel"].item() == pytest.approx(200 * (made - pose_batch.driving).abs().mean().item(), rel=1e-5)
    changes = [
        "objective.pixel=0",
        "objective.generator_gan=0",
        "objective.perceptual=[0, 0.5]",
        "objective.perceptual_area=3",
    ]
    other = DeformableGanTraining(small_config.override(changes), VggCaffeFeatures(widths=(2, 2, 3)))
    assert other.repose_losses(pose_batch, turn()).keys() == {"perceptual"}
    assert [phase.name for phase in other.phases()] == ["repose"]
    with pytest.raises(ValueError, match="no perceptual network"):
        DeformableGanTraining(other.config)


@pytest.mark.parametrize(
    "changes",
    [
        ["motion.kind=none", "generator.two_encoders=false"],
        ["motion.kind=full", "discriminator.kind=warp"],
        ["motion.kind=stn", "discriminator.kind=sim"],
        ["motion.sampling=bilinear", "motion.aggregation=avg", "discriminator.kind=warp"],
        ["pose.maps=stickman", "generator.pose_channels=3", "discriminator.pose_channels=3"],
        ["generator.background=true", "discriminator.background=true"],
    ],
)
def test_every_kind_takes_a_step(small_config: DeformableGanConfig, pose_batch: PoseBatch, changes: list[str]):
    config = small_config.override(changes)
    training = DeformableGanTraining(config)
    if config.generator.background:
        pose_batch = replace(pose_batch, background=torch.rand_like(pose_batch.source))
    loop = TrainingLoop(
        training, config.train, total_steps=4, config_json="{}", run=None, accelerator=make_accelerator(device="cpu")
    )
    training.nets.train()
    losses = loop.take_step(pose_batch)
    assert all(loss.isfinite() for loss in losses.values()) and len(losses) == 3
    still = [name for name, weight in training.nets.named_parameters() if weight.grad is None or not weight.grad.any()]
    # The layers before the last of the localization wait for it to leave zero.
    assert all(name.startswith("motion.localization.") for name in still)
    assert training.sample_sheet(pose_batch).shape == (3, 3 * 64, 2 * 64)


def test_dropout_is_drawn_from_the_turn(small_config: DeformableGanConfig, pose_batch: PoseBatch):
    training = DeformableGanTraining(small_config)
    first, same, other = (turn(seed) for seed in (1, 1, 2))
    for now in (first, same, other):
        training.repose_losses(pose_batch, now)
    assert torch.equal(first.shared["prediction"], same.shared["prediction"])
    assert not torch.equal(first.shared["prediction"], other.shared["prediction"])
    second = turn(1, rank=1, world_size=2)
    training.repose_losses(pose_batch[1], second)
    torch.testing.assert_close(second.shared["prediction"], first.shared["prediction"][1:])
