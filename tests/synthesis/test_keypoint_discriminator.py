"""Discriminator outputs for each patch, with the features on the way to them."""

import torch

from kinema.core.types import Keypoints
from kinema.ops.movement_maps import MovementConfig
from kinema.synthesis.keypoint_discriminator import KeypointDiscriminator, KeypointDiscriminatorConfig

EMBEDDING = MovementConfig(norm_const=1)
TINY = KeypointDiscriminatorConfig(num_kp=2, kp_variance=0.1, block_expansion=4, max_features=12, num_blocks=3)


def discriminator(**changes) -> KeypointDiscriminator:
    torch.manual_seed(0)
    return KeypointDiscriminator(TINY.model_copy(update=changes)).eval()


def keypoints(at: float = 0.0, batch: int = 1) -> Keypoints:
    return Keypoints(torch.full((batch, 2, 2), at))


def test_the_maps_of_every_block_and_the_score_come_out():
    maps = discriminator(kp_embedding=EMBEDDING)(torch.rand(2, 3, 40, 48), keypoints(), keypoints(batch=2))
    assert [tuple(each.shape) for each in maps] == [(2, 8, 18, 22), (2, 12, 7, 9), (2, 12, 2, 3), (2, 1, 2, 3)]


def test_the_score_is_read_off_the_last_map():
    net = discriminator()
    *_, last, score = net(torch.rand(1, 3, 40, 40), keypoints(), keypoints())
    torch.testing.assert_close(score, net.score(last))


def test_keypoints_are_seen_where_asked_for():
    frames = torch.rand(1, 3, 40, 40)
    for embedding, seen in ((None, False), (EMBEDDING, True)):
        net = discriminator(kp_embedding=embedding)
        here, there = (net(frames, keypoints(), keypoints(at))[-1] for at in (-0.5, 0.5))
        assert torch.equal(here, there) != seen
    difference = discriminator(kp_embedding=EMBEDDING.model_copy(update={"heatmap_type": "difference"}))
    from_here, from_there = (difference(frames, keypoints(at), keypoints())[-1] for at in (-0.5, 0.5))
    assert not torch.allclose(from_here, from_there), "the source's points count where the maps are differences"


def test_a_patch_far_away_does_not_matter():
    # The norms couple patches; the first block has none.
    net, frames = discriminator(num_blocks=1), torch.rand(1, 3, 40, 40)
    changed = frames.clone()
    changed[..., 30:, 30:] = 0
    before, after = (net(each, keypoints(), keypoints())[-1] for each in (frames, changed))
    assert torch.equal(before[..., :13, :13], after[..., :13, :13])
    assert not torch.allclose(before[..., 15:, 15:], after[..., 15:, 15:])


def test_a_smaller_scale_judges_every_second_pixel():
    frames = torch.rand(1, 3, 64, 64)
    for embedding in (None, EMBEDDING):
        whole, small = discriminator(kp_embedding=embedding), discriminator(kp_embedding=embedding, scale_factor=0.5)
        expected = whole(frames[..., ::2, ::2], keypoints(), keypoints(0.5))
        for ours, theirs in zip(small(frames, keypoints(), keypoints(0.5)), expected, strict=True):
            torch.testing.assert_close(ours, theirs)
