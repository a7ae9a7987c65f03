"""The blend of shifts: still keypoints deform nothing, a shift of a pixel shifts by a pixel."""

import pytest
import torch
from torch import Tensor, nn

from kinema.core.checks import InputError
from kinema.core.types import Keypoints
from kinema.motion.displacement import DisplacementMotion, DisplacementMotionConfig
from kinema.ops.grid import identity_grid
from kinema.ops.movement_maps import MovementConfig
from kinema.ops.warp import warp

SIZE = (8, 12)
PIXEL = torch.tensor([2 / 11, 2 / 7])
TINY = DisplacementMotionConfig(num_kp=3, kp_variance=0.01, block_expansion=4, max_features=8, num_blocks=2)


def network(**changes) -> DisplacementMotion:
    return DisplacementMotion(TINY.model_copy(update=changes)).eval()


def with_head(bias: list[float], **changes) -> DisplacementMotion:
    """A network that answers the same everywhere: logits of background and keypoints, then the correction."""
    net = network(**changes)
    nn.init.zeros_(net.head.weight)
    net.head.bias.data.copy_(torch.tensor(bias))
    return net


def keypoints(batch: int = 1, seed: int = 0) -> Keypoints:
    return Keypoints(torch.rand(batch, 3, 2, generator=torch.Generator().manual_seed(seed)) - 0.5)


def frames(batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, *SIZE)


def test_equal_keypoints_and_an_empty_head_are_the_identity():
    net, kp = with_head([0.0] * 6), keypoints(2)
    motion = net(frames(2), kp, kp)
    torch.testing.assert_close(motion.deformation, identity_grid(SIZE).expand(2, -1, -1, -1))
    torch.testing.assert_close(motion.mask, torch.full((2, 4, *SIZE), 0.25))


def test_without_a_correction_equal_keypoints_are_the_identity_whatever_the_weights():
    net, kp = network(use_correction=False), keypoints()
    nn.init.normal_(net.head.weight)
    torch.testing.assert_close(net(frames(), kp, kp).deformation[0], identity_grid(SIZE), atol=1e-6, rtol=0)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_shift_of_one_pixel_shifts_by_one(axis: int):
    net, source, frame = with_head([-100.0, 0, 0, 0, 0, 0]), keypoints(), frames()
    step = PIXEL * torch.eye(2)[axis]
    moved = warp(frame, net(frame, source, Keypoints(source.value + step)).deformation)
    # The object moves right or down: what was there before comes from one pixel back.
    expected, shown = (frame[..., :-1], moved[..., 1:]) if axis == 0 else (frame[..., :-1, :], moved[..., 1:, :])
    torch.testing.assert_close(shown, expected, atol=1e-5, rtol=0)


def test_each_keypoint_moves_what_its_mask_holds():
    source, driving = keypoints(), keypoints(seed=1)
    for index in range(3):
        logits = [0.0] * 4
        logits[1 + index] = 100
        motion = with_head(logits, use_correction=False)(frames(), source, driving)
        shift = (source.value - driving.value)[0, index]
        torch.testing.assert_close(motion.deformation[0], identity_grid(SIZE) + shift)
        assert motion.mask[:, 1 + index].min() == 1
    still = with_head([100.0, 0, 0, 0], use_correction=False)(frames(), source, driving)
    torch.testing.assert_close(still.deformation[0], identity_grid(SIZE))
    # Four equal shares, of which the background moves nothing.
    mixed = with_head([0.0] * 4, use_correction=False)(frames(), source, driving)
    mean = (source.value - driving.value)[0].sum(dim=0) / 4
    torch.testing.assert_close(mixed.deformation[0], identity_grid(SIZE) + mean)


def test_a_correction_alone_moves_by_itself():
    motion = with_head([0.25, -0.5], use_mask=False)(frames(), keypoints(), keypoints(seed=1))
    torch.testing.assert_close(motion.deformation[0], identity_grid(SIZE) + torch.tensor([0.25, -0.5]))
    assert motion.mask is None
    both = with_head([100.0, 0, 0, 0, 0.25, -0.5])(frames(), keypoints(), keypoints(seed=1))
    torch.testing.assert_close(both.deformation, motion.deformation)


def test_training_begins_with_the_background():
    share = 1 / (1 + 3 * torch.tensor(-2.0).exp())
    motion = network()(frames(), keypoints(), keypoints(seed=1))
    torch.testing.assert_close(motion.mask[:, 0], share.expand(1, *SIZE), atol=0.02, rtol=0)
    assert motion.mask[:, 0].std() > 0, "an empty head would keep the hourglass from learning"


def test_group_blocks_see_one_keypoint_each():
    net = network(num_group_blocks=2)
    maps = torch.rand(1, net.embedding.out_channels(3, 3), *SIZE)
    changed = maps.clone()
    changed[:, 4:8] += 1
    apart = (net.group_blocks(maps) - net.group_blocks(changed)).abs().amax(dim=(0, 2, 3))
    assert not apart[:4].any() and apart[4:8].any() and not apart[8:].any()


def test_one_source_serves_many():
    net, frame, source, driving = network(), frames(), keypoints(), keypoints(3, seed=1)
    nn.init.normal_(net.head.weight)
    many, alone = net(frame, source, driving), net(frame, source, driving[2])
    assert many.deformation.shape == (3, *SIZE, 2)
    torch.testing.assert_close(many.deformation[2:], alone.deformation)


def test_sizes_that_do_not_fit_are_refused():
    embedding = MovementConfig(scale_factor=0.5)
    net = network(scale_factor=0.5, mask_embedding=embedding)
    assert net.divisor == 16 and network().divisor == 4
    assert torch.equal(net.shrink(small := torch.rand(1, 3, 16, 32)), small[..., ::2, ::2])
    assert net(net.shrink(small), keypoints(), keypoints(seed=1)).deformation.shape == (1, 4, 8, 2)
    with pytest.raises(InputError, match="dense motion.*16x40.*multiples of 16"):
        net.shrink(torch.rand(1, 3, 16, 40))


def test_a_config_that_moves_nothing_is_refused():
    with pytest.raises(InputError, match="nothing would move"):
        DisplacementMotionConfig.parse({"use_mask": False, "use_correction": False}, origin="test")
