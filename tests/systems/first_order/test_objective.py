"""Which losses there are, what they depend on, and whom they teach."""

import pytest
import torch

from kinema.blocks.vgg import Vgg19Features
from kinema.core.random import torch_generator
from kinema.data.samples.batches import Batch
from kinema.ops.thin_plate import SmoothTransform
from kinema.systems.first_order.objective import FirstOrderTraining
from kinema.train.phases import Turn

ALL = {
    "pixel": (10, 5),
    "perceptual": (1, 1, 1),
    "generator_gan": 1,
    "feature_matching": (10, 10),
    "separation": 5,
    "concentration": 2,
}


def batch() -> Batch:
    source, driving = torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return Batch(source, driving)


def turn(seed: int = 0) -> Turn:
    return Turn(0, torch_generator("turn", seed))


def test_every_weight_names_its_term(make_config):
    training = FirstOrderTraining(make_config(objective=ALL), Vgg19Features(widths=(4,) * 13, depth=3))
    losses = training.animate_losses(batch(), turn())
    assert losses.keys() == {
        *("pixel", "perceptual", "generator_gan", "feature_matching", "separation", "concentration"),
        *("equivariance_value", "equivariance_jacobian"),
    }
    assert all(loss.shape == () and loss.isfinite() and loss > 0 for loss in losses.values() if loss is not None)


@pytest.mark.parametrize(
    ("objective", "keypoints", "terms"),
    [
        ({"pixel": (1, 0), "equivariance_value": 0, "equivariance_jacobian": 0}, {}, {"pixel"}),
        ({"equivariance_jacobian": 0}, {}, {"equivariance_value"}),
        ({"equivariance_value": 0}, {}, {"equivariance_jacobian"}),
        ({}, {"jacobian": False}, {"equivariance_value"}),
        ({"generator_gan": 1, "feature_matching": ()}, {"jacobian": False}, {"equivariance_value", "generator_gan"}),
    ],
)
def test_a_weight_of_zero_is_no_term(make_config, objective, keypoints, terms):
    training = FirstOrderTraining(make_config(objective=objective, keypoints=keypoints))
    assert training.animate_losses(batch(), turn()).keys() == terms


def test_doubled_weights_double_the_terms(make_config):
    torch.manual_seed(0)
    once = FirstOrderTraining(make_config(objective={"pixel": (10, 5)}))
    torch.manual_seed(0)
    doubled = {"pixel": (20, 10), "equivariance_value": 20, "equivariance_jacobian": 20}
    twice = FirstOrderTraining(make_config(objective=doubled))
    first, second = (training.animate_losses(batch(), turn()) for training in (once, twice))
    for name, value in first.items():
        assert second[name].item() == pytest.approx(2 * value.item(), rel=1e-5)


def test_a_perceptual_network_is_asked_for(make_config):
    with pytest.raises(ValueError, match="no perceptual network"):
        FirstOrderTraining(make_config(objective={"perceptual": (1,)}))


def test_the_turn_decides_the_transform(make_config):
    training = FirstOrderTraining(make_config(objective={"transform_color": 0.5}))
    training.nets.eval()
    first, same, other = (training.animate_losses(batch(), turn(seed)) for seed in (0, 0, 1))
    assert first["equivariance_value"] == same["equivariance_value"] != other["equivariance_value"]


def test_without_a_transform_the_same_points_are_found(make_config):
    training = FirstOrderTraining(make_config())
    training.nets.eval()
    still = Turn(0, torch.Generator(), {"transform": SmoothTransform(torch.eye(2, 3).expand(2, -1, -1))})
    losses = training.animate_losses(batch(), still)
    assert losses["equivariance_value"].item() == pytest.approx(0, abs=1e-3)
    assert losses["equivariance_jacobian"].item() == pytest.approx(0, abs=1e-3)


def test_the_discriminator_learns_from_frames_it_cannot_change(make_config):
    training = FirstOrderTraining(make_config(objective={"generator_gan": 1, "feature_matching": (10, 10)}))
    step = turn()
    training.animate_losses(batch(), step)
    loss = training.discriminate_losses(batch(), step)
    assert loss.keys() == {"discriminator_gan"}
    loss["discriminator_gan"].backward()
    assert all(p.grad is not None for p in training.nets["discriminator"].parameters())
    assert all(p.grad is None for p in training.model.parameters())


def test_phases_follow_the_weights(make_config):
    alone = FirstOrderTraining(make_config(objective={"lr_keypoints": 0}))
    assert [phase.name for phase in alone.phases()] == ["animate"] and "discriminator" not in alone.nets
    assert alone.phases()[0].rates == {"keypoints": 0, "motion": 2e-4, "generator": 2e-4}
    both = FirstOrderTraining(make_config(objective={"generator_gan": 1, "lr_discriminator": 1e-3}))
    assert [phase.name for phase in both.phases()] == ["animate", "discriminate"]
    assert both.phases()[1].rates == {"discriminator": 1e-3}


def test_a_sheet_shows_at_most_eight_pairs(make_config):
    training = FirstOrderTraining(make_config())
    training.nets.eval()
    frames = torch.rand(9, 3, 32, 32)
    sheet = training.sample_sheet(Batch(frames, frames.flip(0)))
    assert sheet.shape == (3, 96, 256) and 0 <= sheet.min() <= sheet.max() <= 1
    assert torch.equal(sheet[:, :32, 32:64], frames[1]) and torch.equal(sheet[:, 32:64, 32:64], frames[7])
