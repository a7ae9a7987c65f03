"""On one process the norm is torch's own; what several processes do is tested in tests/train/test_processes.py."""

import torch
from torch import nn

from kinema.blocks.norm import BatchNorm2d, JointInstanceNorm


def test_one_process_trains_and_infers_as_torch_does():
    ours, theirs = BatchNorm2d(3), nn.BatchNorm2d(3)
    features = torch.randn(4, 3, 5, 6) * 2 + 1
    for _ in range(3):
        torch.testing.assert_close(ours(features), theirs(features))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    torch.testing.assert_close(ours.eval()(features), theirs.eval()(features))


def test_rows_are_normalised_by_their_batch_only_while_training():
    norm, features = BatchNorm2d(2), torch.randn(4, 2, 5, 6) * 3 + 2
    trained = norm(features)
    torch.testing.assert_close(trained.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(trained.square().mean(dim=(0, 2, 3)), torch.ones(2), atol=1e-3, rtol=0)
    # One tenth of the way from mean 0 to that of the batch.
    torch.testing.assert_close(norm.running_mean, 0.1 * features.mean(dim=(0, 2, 3)))
    assert norm.num_batches_tracked == 1
    together, alone = norm.eval()(features), norm(features[1:2])
    assert torch.equal(together[1:2], alone) and norm.num_batches_tracked == 1


def test_joint_norm_takes_channels_and_pixels_together():
    net = JointInstanceNorm()
    net.weight.data.fill_(2.0)
    net.bias.data.fill_(0.5)
    features = 3 * torch.randn(2, 4, 5, 6) + 1
    expected = torch.stack([2 * (row - row.mean()) / (row.std(correction=0) + 1e-3) + 0.5 for row in features])
    torch.testing.assert_close(net(features), expected)


def test_joint_norm_of_a_constant_has_gradients():
    features = torch.full((1, 2, 3, 3), 4.0, requires_grad=True)
    made = JointInstanceNorm()(features)
    assert not made.any()
    made.sum().backward()
    assert features.grad is not None and features.grad.isfinite().all()
