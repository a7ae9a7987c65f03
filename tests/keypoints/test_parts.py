"""Parts of a frame: shares of sum one, affine frames that begin still, a background that may begin ahead."""

import pytest
import torch
from torch import nn

from kinema.core.checks import InputError
from kinema.keypoints.parts import PartSegmentation, PartSegmentationConfig
from kinema.ops.grid import identity_grid

TINY = PartSegmentationConfig(num_parts=3, block_expansion=4, max_features=8, num_blocks=2, scale_factor=0.5)


def network(**changes) -> PartSegmentation:
    torch.manual_seed(0)
    return PartSegmentation(TINY.model_copy(update=changes)).eval()


def test_shapes_and_sums():
    kp = network()(torch.rand(2, 3, 16, 24))
    assert kp.value.shape == (2, 3, 2) and kp.jacobian.shape == (2, 3, 2, 2)
    assert kp.heatmap.shape == (2, 3, 8, 12) and kp.segmentation.shape == (2, 4, 8, 12)
    torch.testing.assert_close(kp.heatmap.sum(dim=(2, 3)), torch.ones(2, 3))
    torch.testing.assert_close(kp.segmentation.sum(dim=1), torch.ones(2, 8, 12))
    assert kp.value.abs().max() < 1


def test_every_part_begins_with_a_shift_alone():
    kp = network()(torch.rand(2, 3, 16, 24))
    torch.testing.assert_close(kp.jacobian, torch.eye(2).expand(2, 3, 2, 2))
    assert network(affine=False)(torch.rand(1, 3, 16, 24)).jacobian is None


@pytest.mark.parametrize("begin", [3.0, -2.0])
def test_the_background_begins_ahead_by_its_logit(begin: float):
    frames = torch.rand(2, 3, 16, 24)
    even, ahead = (network(background_init=value)(frames).segmentation for value in (0.0, begin))
    odds_even, odds_ahead = (shares.log()[:, :1] - shares.log()[:, 1:] for shares in (even, ahead))
    torch.testing.assert_close(odds_ahead - odds_even, torch.full_like(odds_even, begin), atol=1e-4, rtol=0)
    # The parts keep their order among themselves.
    torch.testing.assert_close(ahead[:, 1:].argmax(dim=1), even[:, 1:].argmax(dim=1))


def test_heads_that_see_nothing_give_the_middle_and_their_biases():
    net = network()
    for head in (net.heatmap_head, net.segmentation_head):
        nn.init.zeros_(head.weight)
    net.segmentation_head.bias.data.copy_(torch.tensor([0.0, 0.0, 100.0, 0.0]))
    net.jacobian_head.bias.data.copy_(torch.arange(12.0))
    kp = net(torch.rand(1, 3, 16, 24))
    torch.testing.assert_close(kp.value, torch.zeros(1, 3, 2), atol=1e-6, rtol=0)
    assert kp.segmentation[:, 2].min() == 1
    torch.testing.assert_close(kp.jacobian[0], torch.arange(12.0).view(3, 2, 2))


def test_a_sharp_heatmap_reads_point_and_affine_map_at_its_pixel():
    net, frames = network(temperature=1e-5, scale_factor=1), torch.rand(1, 3, 16, 24)
    nn.init.normal_(net.jacobian_head.weight)
    kp, maps = net(frames), net.jacobian_head(net.hourglass(frames))[0].unflatten(0, (3, 2, 2))
    for part in range(3):
        y, x = divmod(int(kp.heatmap[0, part].argmax()), 24)
        torch.testing.assert_close(kp.value[0, part], identity_grid((16, 24))[y, x], atol=1e-3, rtol=0)
        torch.testing.assert_close(kp.jacobian[0, part], maps[part, :, :, y, x], atol=1e-2, rtol=0)


def test_sizes_that_do_not_fit_are_refused():
    net = network()
    assert net.divisor == 8
    with pytest.raises(InputError, match="part segmentation.*16x30.*multiples of 8.*16x32"):
        net(torch.rand(1, 3, 16, 30))
