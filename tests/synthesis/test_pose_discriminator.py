"""Three ways of judging a person in a pose."""

from __future__ import annotations

import pytest
import torch

from kinema.core.types import LimbMotion
from kinema.synthesis.pose_discriminator import PoseDiscriminator, PoseDiscriminatorConfig

SIZE = (64, 64)
TINY = PoseDiscriminatorConfig(pose_channels=2, block_expansion=4, max_features=8, size=SIZE)


def inputs(rows: int = 2) -> tuple[torch.Tensor, ...]:
    return tuple(torch.rand(rows, channels, *SIZE) for channels in (3, 2, 3, 2))


def motion(rows: int = 2, shift: float = 0.0) -> LimbMotion:
    transforms = torch.eye(2, 3).repeat(rows, 10, 1, 1)
    transforms[..., 0, 2] = shift
    return LimbMotion(transforms, torch.ones(rows, 10, *SIZE, dtype=torch.bool))


@pytest.mark.parametrize("kind", ["call", "sim", "warp"])
def test_every_kind_judges_and_looks_at_everything(kind: str):
    net = PoseDiscriminator(TINY.model_copy(update={"kind": kind}))
    given = [tensor.requires_grad_() for tensor in inputs()]
    logits = net(*given, motion=motion())
    assert logits.shape == (2, 1)
    logits.sum().backward()
    assert all(tensor.grad is not None and tensor.grad.any() for tensor in given)


def test_the_source_is_moved_before_it_is_compared():
    net = PoseDiscriminator(TINY.model_copy(update={"kind": "warp"}))
    given = inputs()
    still, moved = (net(*given, motion=motion(shift=shift)) for shift in (0, 10))
    whole = LimbMotion(motion().transforms[:, :1])
    assert not torch.allclose(still, moved)
    torch.testing.assert_close(net(*given, motion=whole), still, atol=1e-2, rtol=0.5)


def test_the_background_is_seen_where_asked_for():
    net = PoseDiscriminator(TINY.model_copy(update={"background": True}))
    dark, light = (net(*inputs(), background=torch.full((2, 3, *SIZE), level)) for level in (0.0, 1.0))
    assert not torch.allclose(dark, light)


def test_it_is_as_large_as_the_authors():
    with torch.device("meta"):
        net = PoseDiscriminator(PoseDiscriminatorConfig())
    assert sum(parameter.numel() for parameter in net.parameters()) == 2_803_782


def test_small_frames_are_refused():
    with pytest.raises(ValueError, match="too small"):
        PoseDiscriminatorConfig(size=(64, 32))
    assert PoseDiscriminatorConfig(size=(64, 32), kind="sim").last_size == (3, 1)
