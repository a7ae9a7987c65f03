"""Which losses there are, what they depend on, and whom they teach."""

import pytest
import torch

from kinema.data.samples.batches import Batch
from kinema.systems.monkey_net.objective import MonkeyNetTraining
from kinema.train.phases import Turn

ALONE = {"generator_gan": 0, "reconstruction": (10,)}


def batch() -> Batch:
    source, driving = torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return Batch(source, driving)


def turn() -> Turn:
    return Turn(0, torch.Generator())


def taught(training: MonkeyNetTraining, *losses: torch.Tensor) -> set[str]:
    """Networks that gradients of the losses reach."""
    training.nets.zero_grad()
    torch.stack(losses).sum().backward()
    return {
        name.split(".")[0]
        for name, parameter in training.nets.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }


def test_every_weight_names_its_term(make_config):
    objective = {"reconstruction_deformed": 2, "separation": 5, "concentration": 2, "detach_kp_discriminator": False}
    # A repulsion that reaches across the frame, or random points may all be out of it.
    training = MonkeyNetTraining(make_config(objective=objective | {"separation_distance": 2.0}))
    losses = training.animate_losses(batch(), turn())
    assert losses.keys() == {
        *("reconstruction_0", "reconstruction_1", "reconstruction_2", "reconstruction_deformed"),
        *("generator_gan", "keypoints_gan", "separation", "concentration"),
    }
    assert all(loss.shape == () and loss.isfinite() and loss > 0 for loss in losses.values())


@pytest.mark.parametrize(
    ("objective", "terms"),
    [
        ({}, {"reconstruction_0", "reconstruction_1", "reconstruction_2", "generator_gan"}),
        ({"reconstruction": (0, 0, 1)}, {"reconstruction_2", "generator_gan"}),
        ({"reconstruction": (1,)}, {"reconstruction_0", "generator_gan"}),
        ({"reconstruction": ()}, {"generator_gan"}),
        (ALONE, {"reconstruction_0"}),
        (ALONE | {"detach_kp_discriminator": False, "separation": 1}, {"reconstruction_0", "separation"}),
    ],
)
def test_a_weight_of_zero_is_no_term(make_config, objective, terms):
    training = MonkeyNetTraining(make_config(objective=objective))
    assert training.animate_losses(batch(), turn()).keys() == terms
    assert ("discriminator" in training.nets) == ("generator_gan" in terms)


def test_doubled_weights_double_the_terms(make_config):
    first = {"reconstruction": (10, 5, 1), "reconstruction_deformed": 1, "generator_gan": 1, "concentration": 2}
    second = {"reconstruction": (20, 10, 2), "reconstruction_deformed": 2, "generator_gan": 2, "concentration": 4}
    losses = []
    for objective in (first, second):
        torch.manual_seed(0)
        losses.append(MonkeyNetTraining(make_config(objective=objective)).animate_losses(batch(), turn()))
    for name, value in losses[0].items():
        assert losses[1][name].item() == pytest.approx(2 * value.item(), rel=1e-5), name


def test_known_verdicts_have_known_losses(make_config):
    training = MonkeyNetTraining(make_config(objective={"generator_gan": 2, "discriminator_gan": 3}))
    torch.nn.init.zeros_(training.nets["discriminator"].score.weight)
    torch.nn.init.constant_(training.nets["discriminator"].score.bias, 0.25)
    step = turn()
    losses = training.animate_losses(batch(), step)
    assert losses["generator_gan"].item() == pytest.approx(2 * 0.75**2)
    assert training.discriminate_losses(batch(), step)["discriminator_gan"].item() == pytest.approx(
        3 * (0.75**2 + 0.25**2)
    )


def test_reconstruction_is_the_mean_difference(make_config):
    rows = batch()
    distance = (rows.source - rows.driving).abs().mean().item()
    # Without dense motion the warped source is the source.
    training = MonkeyNetTraining(make_config(motion=None, objective=ALONE | {"reconstruction_deformed": 3}))
    step = turn()
    losses = training.animate_losses(rows, step)
    assert losses["reconstruction_deformed"].item() == pytest.approx(3 * distance, rel=1e-4)
    made = (step.shared["prediction"] - rows.driving).abs().mean().item()
    assert losses["reconstruction_0"].item() == pytest.approx(10 * made, rel=1e-5)


@pytest.mark.parametrize("detached", [False, True])
def test_keypoints_learn_from_the_generator_unless_detached(make_config, detached):
    training = MonkeyNetTraining(make_config(objective=ALONE | {"detach_kp_generator": detached}))
    loss = training.animate_losses(batch(), turn())["reconstruction_0"]
    assert taught(training, loss) == {"motion", "generator"} | (set() if detached else {"keypoints"})


def test_detached_keypoints_still_learn_from_the_maps_of_the_discriminator(make_config):
    training = MonkeyNetTraining(make_config(objective={"detach_kp_generator": True}))
    losses = training.animate_losses(batch(), turn())
    assert "keypoints" in taught(training, losses["reconstruction_1"])


def test_keypoints_learn_from_the_discriminators_loss_where_asked_to(make_config):
    training = MonkeyNetTraining(make_config(objective={"detach_kp_discriminator": False}))
    step = turn()
    losses = training.animate_losses(batch(), step)
    reached = taught(training, losses["keypoints_gan"])
    assert "keypoints" in reached and not reached & {"motion", "generator"}
    expected = training.discriminate_losses(batch(), step)["discriminator_gan"]
    torch.testing.assert_close(losses["keypoints_gan"], expected)


def test_the_discriminator_learns_from_frames_it_cannot_change(make_config):
    training = MonkeyNetTraining(make_config())
    step = turn()
    training.animate_losses(batch(), step)
    losses = training.discriminate_losses(batch(), step)
    assert losses.keys() == {"discriminator_gan"} and taught(training, *losses.values()) == {"discriminator"}


def test_phases_follow_the_weights(make_config):
    alone = MonkeyNetTraining(make_config(objective=ALONE | {"lr_keypoints": 0}))
    assert [phase.name for phase in alone.phases()] == ["animate"] and "discriminator" not in alone.nets
    assert alone.phases()[0].rates == {"keypoints": 0, "motion": 2e-4, "generator": 2e-4}
    still = MonkeyNetTraining(make_config(motion=None, objective=ALONE))
    assert still.phases()[0].rates.keys() == {"keypoints", "generator"}
    both = MonkeyNetTraining(make_config(objective={"lr_discriminator": 1e-3}))
    assert [phase.name for phase in both.phases()] == ["animate", "discriminate"]
    assert both.phases()[1].rates == {"discriminator": 1e-3}


def test_a_predictor_is_not_trained_with_the_rest(make_config):
    training = MonkeyNetTraining(make_config(predictor={"num_kp": 4, "num_features": 8}))
    assert "predictor" not in training.nets and training.model.predictor is not None


def test_a_sheet_shows_at_most_eight_pairs(make_config):
    training = MonkeyNetTraining(make_config())
    training.nets.eval()
    frames = torch.rand(9, 3, 32, 32)
    sheet = training.sample_sheet(Batch(frames, frames.flip(0)))
    assert sheet.shape == (3, 96, 256) and 0 <= sheet.min() <= sheet.max() <= 1
    assert torch.equal(sheet[:, :32, 32:64], frames[1]) and torch.equal(sheet[:, 32:64, 32:64], frames[7])
