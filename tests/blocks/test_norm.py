"""On one process the norm is torch's own; what several processes do is tested in tests/train/test_processes.py."""

import torch
from torch import nn

from kinema.blocks.norm import BatchNorm2d


def test_one_process_trains_and_infers_as_torch_does():
    ours, theirs = BatchNorm2d(3), nn.BatchNorm2d(3)
    features = torch.randn(4, 3, 5, 6) * 2 + 1
    for _ in range(3):
        torch.testing.assert_close(ours(features), theirs(features))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    torch.testing.assert_close(ours.eval()(features), theirs.eval()(features))
