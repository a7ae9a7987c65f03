"""Where the mask says so, the target is painted with the source's features; elsewhere it stays."""

import pytest
import torch
from torch import Tensor

from kinema.core.types import Motion
from kinema.ops.grid import identity_grid
from kinema.synthesis.part_swap import shrink_mask, swap_parts
from kinema.synthesis.warping_generator import WarpingGenerator, WarpingGeneratorConfig

SIZE = (16, 24)
TINY = WarpingGeneratorConfig(block_expansion=4, max_features=8, num_bottleneck_blocks=1)
# Features have (4, 6); a segmentation may be of any size beside it.
MASKS = [(4, 6), (16, 24), (8, 12), (2, 3), (5, 7), (9, 13)]


def generator(*, blend_source: bool = False) -> WarpingGenerator:
    return WarpingGenerator(TINY.model_copy(update={"blend_source": blend_source})).eval()


def frames(batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, *SIZE)


def motion(batch: int = 1) -> Motion:
    grid = identity_grid(SIZE).expand(batch, -1, -1, -1) * 0.8 + 0.1
    return Motion(grid, torch.rand(batch, 1, *SIZE))


def swap(
    net: WarpingGenerator, source: Tensor, target: Tensor, field: Motion, blend: Tensor, *, of_source=False
) -> Tensor:
    return swap_parts(net, (source, net.encode(source)), target, field, blend, of_source=of_source)[0]


@pytest.mark.parametrize("blend_source", [False, True])
@pytest.mark.parametrize("size", MASKS)
@pytest.mark.parametrize("of_source", [False, True])
def test_an_empty_mask_keeps_the_target(blend_source, size, of_source):
    net, target = generator(blend_source=blend_source), frames()
    made = swap(net, frames(), target, motion(), torch.zeros(1, 1, *size), of_source=of_source)
    torch.testing.assert_close(made, net(target, None))


@pytest.mark.parametrize("blend_source", [False, True])
@pytest.mark.parametrize("size", [size for size in MASKS if size[0] <= 5])
def test_a_full_mask_takes_the_source_as_the_motion_moves_it(blend_source, size):
    net, source, field = generator(blend_source=blend_source), frames(), motion()
    made = swap(net, source, frames(), field, torch.ones(1, 1, *size))
    torch.testing.assert_close(made, net(source, field), atol=1e-5, rtol=0)


def test_a_sure_blend_copies_pixels_of_the_one_or_of_the_other():
    net, source, target = generator(blend_source=True), frames(), frames()
    net.final.bias.data[-1] = 100
    still = Motion(identity_grid(SIZE)[None])
    right = torch.zeros(1, 1, 4, 6)
    right[..., 3:] = 1
    made = swap(net, source, target, still, right)
    # The mask is enlarged smoothly: away from its edge each side is its own.
    torch.testing.assert_close(made[..., :10], target[..., :10], atol=1e-5, rtol=0)
    torch.testing.assert_close(made[..., 14:], source[..., 14:], atol=1e-5, rtol=0)


def test_an_outline_on_the_source_moves_with_it():
    net, source, target = generator(blend_source=True), frames(), frames()
    net.final.bias.data[-1] = 100
    # The target's pixels look half a frame to the right: what the outline holds there lands on the left.
    grid = identity_grid(SIZE)[None] + torch.tensor([24 / 23, 0.0])
    right = torch.zeros(1, 1, 4, 6)
    right[..., 2:] = 1
    made = swap(net, source, target, Motion(grid), right, of_source=True)
    torch.testing.assert_close(made[..., :9], source[..., 12:21], atol=1e-5, rtol=0)
    torch.testing.assert_close(made[..., 18:], target[..., 18:], atol=1e-5, rtol=0)


def test_one_source_serves_many_targets():
    net, source, targets, field = generator(blend_source=True), frames(), frames(3), motion(3)
    blend = torch.rand(3, 1, 8, 12)
    many = swap(net, source, targets, field, blend)
    alone = swap(net, source, targets[1:2], field[1], blend[1:2])
    torch.testing.assert_close(many[1:2], alone, atol=1e-5, rtol=0)
    # An outline on the source is one row for all.
    of_source = swap(net, source, targets, field, blend[:1], of_source=True)
    alone = swap(net, source, targets[1:2], field[1], blend[:1], of_source=True)
    torch.testing.assert_close(of_source[1:2], alone, atol=1e-5, rtol=0)


def test_it_says_where_the_source_is_shown():
    net, source, target = generator(), frames(), frames()
    right = torch.zeros(1, 1, 4, 6)
    right[..., 3:] = 1
    away = Motion(identity_grid(SIZE)[None] + torch.tensor([3.0, 0.0]))
    for of_source, field, shown in ((False, away, right), (True, away, torch.zeros_like(right))):
        share = swap_parts(net, (source, net.encode(source)), target, field, right, of_source=of_source)[1]
        assert torch.equal(share, shown)


@pytest.mark.parametrize("size", MASKS)
def test_a_mask_keeps_its_values_and_places_at_any_size(size):
    across = torch.linspace(0.2, 0.8, size[1]).expand(1, 1, *size)
    small = shrink_mask(across, (4, 6))
    assert small.shape == (1, 1, 4, 6)
    # The blur sees zeros outside, so the border is left out.
    inner = small[0, 0, 1:-1, 1:-1]
    assert (inner.diff(dim=1) > 0).all() and 0.2 < inner.min() < inner.max() < 0.8
    assert inner.mean().item() == pytest.approx(0.5, abs=0.06)


def test_a_large_mask_is_blurred_before_it_is_shrunk():
    # Stripes of one pixel: taking every fourth would give all or nothing.
    stripes = (torch.arange(24) % 2).float().expand(1, 1, *SIZE)
    torch.testing.assert_close(
        shrink_mask(stripes, (4, 6))[0, 0, 1:-1, 1:-1], torch.full((2, 4), 0.5), atol=0.05, rtol=0
    )
