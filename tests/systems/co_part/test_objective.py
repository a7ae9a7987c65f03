"""Which losses there are, what they depend on, and whom they teach."""

import pytest
import torch
from torch import Tensor, nn

from kinema.blocks.vgg import Vgg19Features
from kinema.core.random import torch_generator
from kinema.data.samples.batches import Batch
from kinema.ops.thin_plate import SmoothTransform
from kinema.systems.co_part.objective import CoPartTraining
from kinema.train.phases import Turn


def batch() -> Batch:
    source, driving = torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return Batch(source, driving)


def turn(seed: int = 0) -> Turn:
    return Turn(0, torch_generator("turn", seed))


def taught(training: CoPartTraining, loss: Tensor) -> set[str]:
    """Networks and heads that gradients of a loss reach."""
    training.nets.zero_grad()
    loss.backward(retain_graph=True)
    reached = {name for name, p in training.nets.named_parameters() if p.grad is not None and p.grad.abs().max() > 1e-9}
    return {name.split(".")[0] if name.startswith("generator") else name.split(".")[1] for name in reached}


def test_every_weight_names_its_term(make_config):
    objective = {"pixel": (10, 5), "perceptual": (1, 1, 1), "area": 1}
    training = CoPartTraining(make_config(objective=objective), Vgg19Features(widths=(4,) * 13, depth=3))
    losses = training.animate_losses(batch(), turn())
    assert losses.keys() == {"pixel", "perceptual", "area", "equivariance_shift", "equivariance_affine"}
    assert all(loss.shape == () and loss.isfinite() and loss > 0 for loss in losses.values())


@pytest.mark.parametrize(
    ("objective", "keypoints", "terms"),
    [
        ({"pixel": (1, 0), "equivariance": 0}, {}, {"pixel"}),
        ({"area": 1, "equivariance": 0}, {}, {"area"}),
        ({}, {}, {"equivariance_shift", "equivariance_affine"}),
        ({}, {"affine": False}, {"equivariance_shift"}),
    ],
)
def test_a_weight_of_zero_is_no_term(make_config, objective, keypoints, terms):
    training = CoPartTraining(make_config(objective=objective, keypoints=keypoints))
    assert training.animate_losses(batch(), turn()).keys() == terms


def test_doubled_weights_double_the_terms(make_config):
    losses = []
    for factor in (1, 2):
        torch.manual_seed(0)
        objective = {"pixel": (10 * factor, 5 * factor), "area": factor, "equivariance": 10 * factor}
        losses.append(CoPartTraining(make_config(objective=objective)).animate_losses(batch(), turn()))
    for name, value in losses[0].items():
        assert losses[1][name].item() == pytest.approx(2 * value.item(), rel=1e-5), name


@pytest.mark.parametrize("lead", [0.0, 2.0, 5.0])
def test_the_area_is_what_the_parts_claim(make_config, lead):
    training = CoPartTraining(make_config(objective={"area": 4, "equivariance": 0}))
    head = training.model.keypoints.segmentation_head
    nn.init.zeros_(head.weight)
    head.bias.data.copy_(torch.tensor([lead, 0, 0, 0]))
    loss = training.animate_losses(batch(), turn())["area"]
    # It falls as the background's share grows: of four even shares the parts have three.
    share = 3 / (3 + torch.tensor(lead).exp())
    torch.testing.assert_close(loss, 4 * share)
    assert "heatmap_head" not in taught(training, loss)
    assert head.bias.grad[0] < 0 < head.bias.grad[1:].min(), "the next step gives more to the background"


def test_who_learns_from_which_term(make_config):
    training = CoPartTraining(make_config(objective={"pixel": (10, 5), "area": 1}))
    segmentation, point, affine = "segmentation_head", "heatmap_head", "jacobian_head"
    losses = training.animate_losses(batch(), turn())
    learners = {name: taught(training, loss) for name, loss in losses.items()}
    assert learners == {
        "pixel": {"generator", "hourglass", segmentation, point, affine},
        "area": {"hourglass", segmentation},
        "equivariance_shift": {"hourglass", point},
        "equivariance_affine": {"hourglass", point, affine},
    }


def test_without_a_transform_the_same_parts_are_found(make_config):
    training = CoPartTraining(make_config())
    training.nets.eval()
    nn.init.normal_(training.model.keypoints.jacobian_head.weight, std=0.1)
    still = Turn(0, torch.Generator(), {"transform": SmoothTransform(torch.eye(2, 3).expand(2, -1, -1))})
    losses = training.animate_losses(batch(), still)
    assert losses["equivariance_shift"].item() == pytest.approx(0, abs=1e-3)
    assert losses["equivariance_affine"].item() == pytest.approx(0, abs=1e-3)


def test_the_turn_decides_the_transform(make_config):
    training = CoPartTraining(make_config())
    training.nets.eval()
    first, same, other = (training.animate_losses(batch(), turn(seed)) for seed in (0, 0, 1))
    assert first["equivariance_shift"] == same["equivariance_shift"] != other["equivariance_shift"]


def test_a_perceptual_network_is_asked_for(make_config):
    with pytest.raises(ValueError, match="no perceptual network"):
        CoPartTraining(make_config(objective={"perceptual": (1,)}))


def test_both_networks_learn_in_one_phase_at_their_rates(make_config):
    training = CoPartTraining(make_config(objective={"lr_keypoints": 0, "lr_generator": 1e-3}))
    (phase,) = training.phases()
    assert phase.rates == {"keypoints": 0, "generator": 1e-3} and set(training.nets) == {"keypoints", "generator"}


def test_a_sheet_shows_at_most_eight_pairs(make_config):
    training = CoPartTraining(make_config())
    training.nets.eval()
    frames = torch.rand(9, 3, 32, 32)
    sheet = training.sample_sheet(Batch(frames, frames.flip(0)))
    assert sheet.shape == (3, 96, 256) and 0 <= sheet.min() <= sheet.max() <= 1
    assert torch.equal(sheet[:, :32, 32:64], frames[1]) and torch.equal(sheet[:, 32:64, 32:64], frames[7])
