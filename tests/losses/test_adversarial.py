"""Least-squares GAN terms and feature matching with known values."""

import pytest
import torch

from kinema.losses.adversarial import feature_matching, lsgan_discriminator, lsgan_generator


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
