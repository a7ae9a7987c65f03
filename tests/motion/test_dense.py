"""The blend of motions: a distribution over keypoints, a deformation inside their hull, an occlusion."""

import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Keypoints
from kinema.motion.dense import DenseMotion, DenseMotionConfig
from kinema.motion.sparse import sparse_motions
from kinema.ops.grid import identity_grid

TINY = DenseMotionConfig(num_kp=3, block_expansion=4, max_features=16, num_blocks=2, scale_factor=0.5)


def network(**changes) -> DenseMotion:
    return DenseMotion(TINY.model_copy(update=changes)).eval()


def keypoints(batch: int, seed: int) -> Keypoints:
    generator = torch.Generator().manual_seed(seed)
    value = torch.rand(batch, 3, 2, generator=generator) - 0.5
    return Keypoints(value, torch.eye(2) + 0.1 * torch.randn(batch, 3, 2, 2, generator=generator))


def test_shapes_and_ranges():
    net = network()
    motion = net(net.shrink(torch.rand(2, 3, 16, 24)), keypoints(2, 0), keypoints(2, 1))
    assert motion.deformation.shape == (2, 8, 12, 2)
    assert motion.occlusion.shape == (2, 1, 8, 12) and 0 <= motion.occlusion.min() <= motion.occlusion.max() <= 1
    assert motion.mask.shape == (2, 4, 8, 12) and motion.sparse_deformed.shape == (2, 4, 3, 8, 12)
    torch.testing.assert_close(motion.mask.sum(dim=1), torch.ones(2, 8, 12))


def test_no_movement_deforms_nothing_whatever_the_weights():
    net, kp = network(), keypoints(1, 0)
    motion = net(torch.rand(1, 3, 8, 12), kp, kp)
    torch.testing.assert_close(motion.deformation[0], identity_grid((8, 12)), atol=1e-5, rtol=0)


def test_a_mask_that_is_sure_gives_the_motion_of_its_keypoint():
    net = network()
    torch.nn.init.zeros_(net.mask_head.weight)
    net.mask_head.bias.data.copy_(torch.tensor([0.0, 0, 100, 0]))
    source, driving = keypoints(1, 0), keypoints(1, 1)
    motion = net(torch.rand(1, 3, 8, 12), source, driving)
    torch.testing.assert_close(motion.deformation, sparse_motions(source, driving, (8, 12))[:, 2])


def test_occlusion_can_be_left_out_and_one_source_serves_many():
    net = network(occlusion=False)
    small, kp = torch.rand(1, 3, 8, 12), keypoints(1, 0)
    many = net(small, kp, keypoints(3, 1))
    assert many.occlusion is None and many.deformation.shape == (3, 8, 12, 2)
    torch.testing.assert_close(many.deformation[2:], net(small, kp, keypoints(3, 1)[2]).deformation)


def test_sizes_that_do_not_fit_are_refused():
    net = network()
    assert net.divisor == 8
    with pytest.raises(InputError, match="dense motion.*16x30.*multiples of 8.*16x32"):
        net.shrink(torch.rand(1, 3, 16, 30))
