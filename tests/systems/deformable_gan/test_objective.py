"""Losses of a pair, phases, and a dropout that a resumed run draws again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from kinema.blocks.vgg_caffe import VggCaffeFeatures
from kinema.core.checks import InputError
from kinema.data.samples.batches import PoseBatch
from kinema.people.limbs import person_mask
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


def test_the_gan_waits_for_its_step(small_config: DeformableGanConfig, pose_batch: PoseBatch):
    training = DeformableGanTraining(small_config.override(["objective.gan_start_step=3"]))
    assert [phase.is_due(2) for phase in training.phases()] == [True, False]
    assert [phase.is_due(3) for phase in training.phases()] == [True, True]
    early, late = (Turn(step, torch.Generator().manual_seed(0)) for step in (2, 3))
    assert training.repose_losses(pose_batch, early).keys() == {"pixel"}
    assert training.repose_losses(pose_batch, late).keys() == {"pixel", "generator_gan"}


def test_pixels_of_the_person_count_more(small_config: DeformableGanConfig, pose_batch: PoseBatch):
    training = DeformableGanTraining(small_config.override(["objective.person=10", "objective.pixel=1"]))
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., :32] = 1
    losses = training.repose_losses(replace(pose_batch, mask=mask), now := turn())
    error = (now.shared["prediction"] - pose_batch.driving).abs()
    expected = (10 * error[..., :32].mean() + error[..., 32:].mean()) / 11
    assert losses["pixel"].item() == pytest.approx(expected.item(), rel=1e-5)
    # Without a mask the limbs say where the person is.
    training.repose_losses(pose_batch, now := turn())
    assert torch.equal(now.shared["mask"].bool(), person_mask(pose_batch.joints_driving, (64, 64)))


def test_a_matte_is_learned_and_hides_the_background_from_the_judges(
    small_config: DeformableGanConfig, pose_batch: PoseBatch
):
    config = small_config.override(["generator.matte=true", "objective.matte=2"])
    training = DeformableGanTraining(config)
    batch = replace(pose_batch, mask=(torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1)) > 0.5) * 1.0)
    losses = training.repose_losses(batch, turn())
    assert losses.keys() == {"pixel", "matte", "generator_gan"}
    person = training.model.encode(batch.source, batch.joints_source)
    frame, matte = training.model.repose_with_matte(person, batch.joints_driving)
    assert frame.shape == (2, 3, 64, 64) and matte.shape == (2, 1, 64, 64) and 0 < matte.min() and matte.max() < 1
    optimizer = torch.optim.Adam(training.model.parameters(), 1e-2)
    for _ in range(12):
        optimizer.zero_grad()
        training.repose_losses(batch, turn())["matte"].backward()
        optimizer.step()
    assert training.repose_losses(batch, turn())["matte"] < losses["matte"]
    # What lies behind the person does not change what the discriminator says.
    behind = replace(batch, driving=torch.where(batch.mask > 0, batch.driving, 1 - batch.driving))
    said = []
    for one in (batch, behind):
        training.repose_losses(one, now := turn())
        now.shared["prediction"] = one.driving
        said.append(training.discriminate_losses(one, now)["discriminator_gan"])
    assert said[0].item() == pytest.approx(said[1].item(), rel=1e-6)


def test_matte_needs_both_of_its_settings(small_config: DeformableGanConfig):
    with pytest.raises(InputError, match=r"generator\.matte needs objective\.matte above 0"):
        small_config.override(["generator.matte=true"])
