"""Averaged weights: known values, buffers, and the way in and out."""

import pytest
from torch import nn

from kinema.train.average import WeightAverage


def net_of(value: float) -> nn.Module:
    net = nn.BatchNorm2d(1)
    nn.init.constant_(net.weight, value)
    net.running_mean.fill_(value)
    net.num_batches_tracked.fill_(int(value))
    return net


def test_it_follows_slowly_and_forgets_early_steps():
    net = net_of(0)
    average = WeightAverage(net, decay=0.5)
    nn.init.constant_(net.weight, 1.0)
    average.update(net, step=0)  # (1 + 0) / (10 + 0) stays
    assert average.net.weight.item() == pytest.approx(0.9)
    average.update(net_of(3), step=1000)  # 0.5 stays
    assert average.net.weight.item() == pytest.approx(0.5 * 0.9 + 0.5 * 3)
    assert average.net.running_mean.item() == pytest.approx(1.5)
    assert average.net.num_batches_tracked.item() == 3
    assert net.weight.item() == 1


def test_it_is_not_trained():
    net = net_of(1).train()
    average = WeightAverage(net, decay=0.9)
    assert not average.net.training and not average.net.weight.requires_grad
    assert net.training and net.weight.requires_grad


def test_its_state_goes_out_and_in():
    first, second = WeightAverage(net_of(2), 0.9), WeightAverage(net_of(5), 0.9)
    second.load({name: value.clone() for name, value in first.state().items()})
    first.update(net_of(9), step=50)
    assert second.net.weight.item() == 2 and first.net.weight.item() > 2
