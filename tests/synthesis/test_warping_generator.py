"""The generator: what it does with a motion, with none, and with the source's own pixels."""

import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Motion
from kinema.ops.grid import identity_grid
from kinema.synthesis.warping_generator import WarpingGenerator, WarpingGeneratorConfig

TINY = WarpingGeneratorConfig(block_expansion=4, max_features=8, num_bottleneck_blocks=1)


def generator(**changes) -> WarpingGenerator:
    return WarpingGenerator(TINY.model_copy(update=changes)).eval()


def still(batch: int, size: tuple[int, int], occlusion: float | None = None) -> Motion:
    seen = None if occlusion is None else torch.full((batch, 1, *size), occlusion)
    return Motion(identity_grid(size).expand(batch, -1, -1, -1), seen)


@pytest.mark.parametrize("blend", [False, True])
def test_frames_have_the_sources_size_and_range(blend):
    net = generator(blend_source=blend)
    made = net(torch.rand(2, 3, 16, 24), still(2, (4, 6), 0.5))
    assert made.shape == (2, 3, 16, 24) and 0 <= made.min() < made.max() <= 1


def test_a_still_motion_is_no_motion():
    net, source = generator(), torch.rand(1, 3, 16, 24)
    torch.testing.assert_close(net(source, still(1, (4, 6))), net(source, None), atol=1e-4, rtol=0)


def test_what_is_occluded_does_not_depend_on_the_source():
    net = generator()
    first, second = (net(torch.rand(1, 3, 16, 24), still(1, (4, 6), 0.0)) for _ in range(2))
    assert torch.equal(first, second)
    first, second = (net(torch.rand(1, 3, 16, 24), still(1, (4, 6), 1.0)) for _ in range(2))
    assert not torch.allclose(first, second)


def test_features_can_be_computed_before_and_serve_many():
    net, source = generator(), torch.rand(1, 3, 16, 24)
    motion = Motion(identity_grid((4, 6)) * torch.rand(3, 1, 1, 2), torch.rand(3, 1, 4, 6))
    together = net(source, motion, net.encode(source))
    torch.testing.assert_close(together[1:2], net(source, motion[1]))


def test_a_motion_of_one_feature_pixel_moves_features_by_one():
    net, features = generator(), torch.rand(1, 8, 4, 6)
    shifted = Motion(identity_grid((4, 6))[None] + torch.tensor([2 / 5, 0]))
    torch.testing.assert_close(net.warp_features(features, shifted)[..., :-1], features[..., 1:], atol=1e-5, rtol=0)


def test_a_blend_that_is_sure_shows_the_moved_source_itself():
    net, source = generator(blend_source=True), torch.rand(1, 3, 16, 24)
    net.final.bias.data[-1] = 100
    torch.testing.assert_close(net(source, still(1, (16, 24))), source, atol=1e-5, rtol=0)
    torch.testing.assert_close(net(source, None), source)
    shifted = Motion(identity_grid((16, 24))[None] + torch.tensor([2 / 23, 0]))
    torch.testing.assert_close(net(source, shifted)[..., :-1], source[..., 1:], atol=1e-5, rtol=0)


def test_sizes_that_do_not_fit_are_refused():
    net = generator()
    assert net.divisor == 4
    with pytest.raises(InputError, match="generator.*18x24.*multiples of 4"):
        net(torch.rand(1, 3, 18, 24), None)
