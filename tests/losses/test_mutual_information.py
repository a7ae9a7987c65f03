"""Mutual information is what the classes share."""

import math

import pytest
import torch

from kinema.losses.distributions import entropy, entropy_of_logits, kl_from_standard_normal, kl_of_means
from kinema.losses.mutual_information import joint_distribution, mutual_information


def test_equal_certain_classes_share_their_entropy_and_independent_ones_nothing():
    classes = torch.eye(4).repeat(5, 1)
    assert mutual_information(joint_distribution(classes, classes)).item() == pytest.approx(math.log(4), abs=1e-5)
    assert mutual_information(joint_distribution(classes, torch.full((20, 4), 0.25))).item() == pytest.approx(
        0, abs=1e-5
    )
    # One class for everything says nothing either.
    assert mutual_information(joint_distribution(classes[:1], classes[:1])).item() == pytest.approx(0, abs=1e-5)


def test_entropies():
    assert entropy(torch.eye(3)).item() == 0
    assert entropy_of_logits(torch.zeros(2, 5, 3)).item() == pytest.approx(math.log(3), rel=1e-5)


def test_divergences_are_those_of_torch():
    means, variances = torch.randn(2, 6, 3), torch.rand(2, 6, 3) + 0.1
    first, second = (torch.distributions.Normal(m, v.sqrt()) for m, v in zip(means, variances, strict=True))
    standard = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
    kl = torch.distributions.kl_divergence
    torch.testing.assert_close(kl_from_standard_normal(means[0], variances[0]), kl(first, standard).sum(-1).mean())
    made = kl_of_means(means[0], variances[0], means[1], variances[1])
    torch.testing.assert_close(made, kl(first, second).sum(-1).mean())


def test_no_variance_gives_finite_values_and_gradients():
    variance = torch.zeros(2, 3, requires_grad=True)
    loss = kl_from_standard_normal(torch.zeros(2, 3), variance) + kl_of_means(*(torch.zeros(2, 3),) * 3, variance)
    loss.backward()
    assert loss.isfinite() and variance.grad is not None and variance.grad.isfinite().all()
