"""Patch verdicts at several scales."""

import pytest
import torch

from kinema.core.types import Keypoints
from kinema.ops.pyramid import pyramid
from kinema.synthesis.discriminator import MultiScaleDiscriminator, PatchDiscriminator, PatchDiscriminatorConfig

TINY = PatchDiscriminatorConfig(block_expansion=4, max_features=12, num_blocks=3, num_kp=2)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_scores_and_inner_maps(spectral_norm):
    net = PatchDiscriminator(TINY.model_copy(update={"spectral_norm": spectral_norm}))
    verdict = net(torch.rand(2, 3, 40, 48))
    assert [tuple(each.shape[1:]) for each in verdict.features] == [(8, 18, 22), (12, 7, 9), (12, 4, 6)]
    assert verdict.score.shape == (2, 1, 4, 6)


def test_each_scale_has_its_own_judge():
    net = MultiScaleDiscriminator(TINY.model_copy(update={"scales": (1.0, 0.5)}))
    large, small = net(pyramid(torch.rand(2, 3, 64, 64), (1.0, 0.5)))
    assert large.score.shape == (2, 1, 10, 10) and small.score.shape == (2, 1, 2, 2)
    first, second = (parameters for parameters in (d.blocks[0].conv.weight for d in net.discriminators))
    assert not torch.equal(first, second)
    with pytest.raises(ValueError, match="argument"):
        net(pyramid(torch.rand(2, 3, 64, 64), (1.0,)))


def test_keypoints_are_seen_where_asked_for():
    net = PatchDiscriminator(TINY.model_copy(update={"use_kp": True}))
    frames = torch.rand(1, 3, 40, 40)
    here, there = (net(frames, Keypoints(torch.full((1, 2, 2), at))).score for at in (-0.5, 0.5))
    assert not torch.allclose(here, there)


def test_a_patch_far_away_does_not_matter():
    # The norms couple patches; without them a score depends on its own patch only.
    net = PatchDiscriminator(TINY.model_copy(update={"num_blocks": 1}))
    frames = torch.rand(1, 3, 40, 40)
    changed = frames.clone()
    changed[..., 30:, 30:] = 0
    assert torch.equal(net(frames).score[..., :20, :20], net(changed).score[..., :20, :20])
