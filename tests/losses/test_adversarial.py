"""GAN terms and feature matching with known values."""

import math

import pytest
import torch

from kinema.losses.adversarial import (
    feature_matching,
    lsgan_discriminator,
    lsgan_generator,
    nonsaturating_discriminator,
    nonsaturating_generator,
)


def scores(*values: float) -> list[torch.Tensor]:
    return [torch.full((2, 1, 3, 3), float(value)) for value in values]


def test_a_fooled_judge_costs_the_generator_nothing():
    assert lsgan_generator(scores(1, 1)).item() == 0
    assert lsgan_generator(scores(0, 0.5)).item() == 1.25


def test_a_perfect_judge_costs_nothing():
    assert lsgan_discriminator(scores(1, 1), scores(0, 0)).item() == 0
    assert lsgan_discriminator(scores(0.5), scores(0.5)).item() == 0.5
    assert lsgan_discriminator(scores(0, 1), scores(2, 0)).item() == 1 + 4


def test_feature_matching_weighs_each_map_of_each_scale():
    real = [[torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 2, 2)]] * 2
    made = [[torch.full((1, 2, 4, 4), 0.5), torch.full((1, 4, 2, 2), 3.0)]] * 2
    assert feature_matching(real, made, (10, 1)).item() == 2 * (5 + 3)
    assert feature_matching(real, made, (10, 0)).item() == 2 * 5
    with pytest.raises(ValueError, match="argument"):
        feature_matching(real[:1], made, (10, 1))


def test_feature_matching_teaches_the_generator_only():
    real, made = torch.rand(1, 2, 3, 3, requires_grad=True), torch.rand(1, 2, 3, 3, requires_grad=True)
    feature_matching([[real]], [[made]], (1,)).backward()
    assert real.grad is None and made.grad is not None and made.grad.abs().min() > 0


def test_probabilities_by_hand():
    logits = torch.tensor([[0.0, 100.0]])
    assert nonsaturating_generator(logits).item() == pytest.approx(math.log(2) / 2, abs=1e-5)
    sure = nonsaturating_discriminator(torch.full((2, 3), 50.0), torch.full((2, 3), -50.0))
    assert sure.item() == pytest.approx(0, abs=1e-5)
    fooled = nonsaturating_discriminator(torch.full((1, 1), -50.0), torch.zeros(1, 1))
    assert fooled.item() == pytest.approx(-math.log(1e-7) + math.log(2), rel=1e-4)


def test_a_rejected_frame_still_learns():
    logits = torch.full((1, 1), -10.0, requires_grad=True)
    nonsaturating_generator(logits).backward()
    assert logits.grad is not None and logits.grad.item() < -0.9
