"""The detector: shapes, its start at pure translation, and where its points lie."""

import pytest
import torch

from kinema.core.checks import InputError
from kinema.keypoints.first_order import FirstOrderKeypoints, FirstOrderKeypointsConfig
from kinema.ops.pyramid import downsample

TINY = FirstOrderKeypointsConfig(num_kp=4, block_expansion=4, max_features=16, num_blocks=2, scale_factor=0.5, pad=3)


def detector(**changes) -> FirstOrderKeypoints:
    return FirstOrderKeypoints(TINY.model_copy(update=changes)).eval()


@pytest.mark.parametrize(("pad", "shrunk"), [(3, (8, 12)), (0, (2, 6))])
def test_shapes_and_ranges(pad, shrunk):
    kp = detector(pad=pad)(torch.rand(2, 3, 16, 24))
    assert kp.value.shape == (2, 4, 2) and kp.value.abs().max() <= 1
    assert kp.jacobian.shape == (2, 4, 2, 2)
    assert kp.heatmap.shape == (2, 4, *shrunk)
    torch.testing.assert_close(kp.heatmap.sum(dim=(2, 3)), torch.ones(2, 4))


@pytest.mark.parametrize("single", [False, True])
def test_every_jacobian_starts_as_the_identity(single):
    kp = detector(single_jacobian_map=single)(torch.rand(2, 3, 16, 16))
    torch.testing.assert_close(kp.jacobian, torch.eye(2).expand(2, 4, 2, 2))


def test_jacobians_are_weighted_by_each_keypoints_own_heatmap():
    net = detector(single_jacobian_map=True)
    with torch.no_grad():
        net.jacobian_head.weight.normal_(std=0.2)
        frames = torch.rand(1, 3, 16, 16)
        kp = net(frames)
        maps = net.jacobian_head(net.hourglass(downsample(frames, 0.5)))
    for k in range(4):
        expected = (maps[0] * kp.heatmap[0, k]).sum(dim=(1, 2)).reshape(2, 2)
        torch.testing.assert_close(kp.jacobian[0, k], expected)


def test_jacobians_can_be_left_out():
    net = detector(jacobian=False)
    assert net(torch.rand(1, 3, 16, 16)).jacobian is None and net.jacobian_head is None


def test_a_cold_temperature_puts_the_point_on_the_peak():
    frames = torch.rand(1, 3, 16, 16)
    kp = detector(temperature=1e-6)(frames)
    y, x = divmod(int(kp.heatmap[0, 1].argmax()), 8)
    torch.testing.assert_close(kp.value[0, 1], torch.tensor([2 * x / 7 - 1, 2 * y / 7 - 1]))


def test_sizes_that_do_not_fit_are_refused():
    net = detector()
    assert net.divisor == 8
    with pytest.raises(InputError, match="keypoint detector.*20x16.*multiples of 8.*16x16"):
        net(torch.rand(1, 3, 20, 16))
