"""Groups of tensors behave as one batch."""

from dataclasses import FrozenInstanceError

import pytest
import torch

from kinema.core.types import Keypoints, Motion
from kinema.systems.first_order.model import EncodedSource


def keypoints(batch: int = 3) -> Keypoints:
    return Keypoints(torch.arange(batch * 4.0).reshape(batch, 2, 2), torch.eye(2).expand(batch, 2, 2, 2))


def test_an_integer_keeps_the_batch_axis():
    kp = keypoints()
    assert torch.equal(kp[1].value, kp.value[1:2]) and kp[1].jacobian.shape == (1, 2, 2, 2)
    assert torch.equal(kp[-1].value, kp.value[2:3])
    assert torch.equal(kp[:2].value, kp.value[:2])
    assert torch.equal(kp[torch.tensor([2, 0])].value, kp.value[[2, 0]])


def test_none_stays_none_and_groups_nest():
    kp = keypoints()
    assert kp.heatmap is None and kp[0].heatmap is None
    frame = torch.rand(3, 3, 4, 4)
    source = EncodedSource(frame, frame[..., :2], frame[:, :1], kp)
    row = source[2]
    assert torch.equal(row.frame, frame[2:]) and torch.equal(row.kp.value, kp.value[2:])
    halved = source.map(torch.Tensor.half)
    assert halved.kp.value.dtype == torch.float16 == halved.small.dtype and halved.kp.heatmap is None


def test_detach_cuts_every_field():
    weight = torch.ones(1, requires_grad=True)
    motion = Motion(torch.rand(1, 2, 2, 2) * weight, torch.rand(1, 1, 2, 2) * weight)
    assert motion.deformation.requires_grad
    cut = motion.detach()
    assert not cut.deformation.requires_grad and not cut.occlusion.requires_grad and cut.mask is None


def test_a_group_moves_whole_and_cannot_be_changed():
    moved = keypoints().to("meta")
    assert moved.value.is_meta and moved.jacobian.is_meta
    with pytest.raises(FrozenInstanceError):
        moved.value = torch.zeros(1)  # type: ignore[misc]
