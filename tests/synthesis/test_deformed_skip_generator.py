"""The generator whose skips are all warped: sizes, warps at every resolution, and the blend with the source itself."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import Keypoints, Motion
from kinema.ops.grid import identity_grid
from kinema.ops.movement_maps import MovementConfig
from kinema.ops.warp import warp
from kinema.synthesis.deformed_skip_generator import DeformedSkipGenerator, DeformedSkipGeneratorConfig

SIZE = (16, 24)
PIXEL = torch.tensor([2 / 23, 0])
EMBEDDING = MovementConfig(norm_const=1)
TINY = DeformedSkipGeneratorConfig(
    num_kp=2, kp_variance=0.1, block_expansion=4, max_features=8, num_blocks=2, num_refinement_blocks=1
)


def generator(**changes) -> DeformedSkipGenerator:
    return DeformedSkipGenerator(TINY.model_copy(update=changes)).eval()


def motion(batch: int = 1, shift: Tensor = 0 * PIXEL) -> Motion:
    return Motion((identity_grid(SIZE) + shift).expand(batch, -1, -1, -1))


def keypoints(batch: int = 1, seed: int = 0) -> Keypoints:
    return Keypoints(torch.rand(batch, 2, 2, generator=torch.Generator().manual_seed(seed)) - 0.5)


@pytest.mark.parametrize("blend_source", [False, True])
@pytest.mark.parametrize("kp_embedding", [None, EMBEDDING])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_frames_have_the_sources_size_and_range(blend_source, kp_embedding, interpolation):
    net = generator(blend_source=blend_source, kp_embedding=kp_embedding, interpolation=interpolation)
    made = net(net.encode(torch.rand(2, 3, *SIZE)), motion(2), keypoints(2), keypoints(2, 1))
    assert made.shape == (2, 3, *SIZE) and 0 <= made.min() < made.max() <= 1


def test_the_source_itself_is_the_first_skip():
    source = torch.rand(1, 3, *SIZE)
    skips = generator().encode(source)
    assert skips[0] is source
    assert [tuple(skip.shape[1:]) for skip in skips] == [(3, 16, 24), (8, 8, 12), (8, 4, 6)]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_a_motion_of_one_pixel_moves_features_by_one(interpolation):
    net, features = generator(interpolation=interpolation), torch.rand(1, 5, *SIZE)
    torch.testing.assert_close(net.warp_features(features, motion()), features, atol=1e-5, rtol=0)
    moved = net.warp_features(features, motion(shift=PIXEL))
    torch.testing.assert_close(moved[..., :-1], features[..., 1:], atol=1e-5, rtol=0)


def test_a_coarse_skip_takes_every_second_motion_or_the_mean_of_four():
    features = torch.rand(1, 5, 8, 12)
    # Uneven, so that the two rules differ.
    field = Motion(identity_grid(SIZE)[None] * torch.linspace(0.2, 1, 24)[:, None])
    every_second = warp(features, field.deformation[:, ::2, ::2])
    torch.testing.assert_close(generator().warp_features(features, field), every_second)
    mean = F.avg_pool2d(field.deformation.movedim(-1, 1), 2).movedim(1, -1)
    torch.testing.assert_close(generator(interpolation="bilinear").warp_features(features, field), warp(features, mean))


def test_every_skip_is_warped():
    net, source = generator(), torch.rand(1, 3, *SIZE)
    skips, pair = net.encode(source), (keypoints(), keypoints())
    away = motion(shift=torch.tensor([3.0, 0.0]))
    # Looking outside the source at every resolution, nothing of it is left.
    other = net(net.encode(torch.rand(1, 3, *SIZE)), away, *pair)
    assert torch.equal(net(skips, away, *pair), other)
    for index in range(len(skips)):
        changed = [torch.rand_like(skip) if level == index else skip for level, skip in enumerate(skips)]
        assert not torch.allclose(net(changed, motion(), *pair), net(skips, motion(), *pair), atol=1e-4)


def test_keypoints_are_seen_where_asked_for():
    for embedding, seen in ((None, False), (EMBEDDING, True)):
        net, source = generator(kp_embedding=embedding), torch.rand(1, 3, *SIZE)
        skips = net.encode(source)
        here, there = (net(skips, motion(), keypoints(), keypoints(seed=seed)) for seed in (1, 2))
        assert torch.equal(here, there) != seen


def test_features_can_be_computed_before_and_serve_many():
    net = generator(kp_embedding=EMBEDDING, blend_source=True)
    skips, driving = net.encode(torch.rand(1, 3, *SIZE)), keypoints(3, 1)
    field = Motion(identity_grid(SIZE) * torch.rand(3, 1, 1, 2))
    together = net(skips, field, keypoints(), driving)
    torch.testing.assert_close(together[1:2], net(skips, field[1], keypoints(), driving[1]))


def test_a_blend_begins_near_the_moved_source():
    net, source = generator(blend_source=True), torch.rand(1, 3, *SIZE)
    field = motion(shift=4 * PIXEL)
    made = net(net.encode(source), field, keypoints(), keypoints())
    moved = net.warp_features(source, field)
    apart, unmoved = ((made - each).abs().mean() for each in (moved, source))
    # sigmoid(2) of it is the source, the rest a colour that nothing has taught yet.
    assert apart < 0.2 * (moved - 0.5).abs().mean() + 0.02 < unmoved / 2


def test_a_blend_that_is_sure_shows_the_moved_source_itself():
    net, source = generator(blend_source=True), torch.rand(1, 3, *SIZE)
    net.final.bias.data[-1] = 100
    made = net(net.encode(source), motion(), keypoints(), keypoints())
    torch.testing.assert_close(made, source, atol=1e-5, rtol=0)
    shifted = net(net.encode(source), motion(shift=PIXEL), keypoints(), keypoints())
    torch.testing.assert_close(shifted[..., :-1], source[..., 1:], atol=1e-5, rtol=0)
    # A blend that never trusts the source paints as a generator without one.
    net.final.bias.data[-1] = -100
    plain = generator()
    painting = {name: value[:3] if name.startswith("final.") else value for name, value in net.state_dict().items()}
    plain.load_state_dict(painting)
    skips, pair = net.encode(source), (keypoints(), keypoints())
    torch.testing.assert_close(net(skips, motion(), *pair), plain(skips, motion(), *pair))


def test_sizes_that_do_not_fit_are_refused():
    net = generator()
    assert net.divisor == 4
    with pytest.raises(InputError, match="generator.*18x24.*multiples of 4"):
        net.encode(torch.rand(1, 3, 18, 24))
