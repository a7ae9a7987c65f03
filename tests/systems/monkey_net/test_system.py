"""What of a first_order model begins a monkey_net."""

import pytest
import torch
import torch.nn.functional as F

from kinema.systems.first_order.model import FirstOrderModel
from kinema.systems.first_order.presets import small_128 as first_order_128
from kinema.systems.monkey_net.objective import MonkeyNetTraining
from kinema.systems.monkey_net.presets import small_128
from kinema.systems.monkey_net.system import adopt_first_order


def folded(weight: torch.Tensor) -> torch.Tensor:
    state = {"keypoints.heatmap_head.weight": weight, "keypoints.heatmap_head.bias": torch.zeros(len(weight))}
    return adopt_first_order(state)["keypoints.heatmap_head.weight"]


def test_a_folded_head_answers_the_same_where_features_are_even():
    weight = torch.randn(3, 2, 7, 7)
    features = torch.randn(1, 2, 1, 1).expand(1, 2, 12, 14)
    small, large = F.conv2d(features, folded(weight), padding=1), F.conv2d(features, weight, padding=3)
    torch.testing.assert_close(small[..., 3:-3, 3:-3], large[..., 3:-3, 3:-3], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("flips", [(), (2,), (3,), (2, 3)])
def test_a_folded_head_answers_the_same_at_a_corner(flips):
    weight, features = torch.randn(3, 2, 7, 7), torch.zeros(1, 2, 16, 16)
    features[..., 8:, 8:] = torch.randn(2, 1, 1)
    small, large = (
        F.conv2d(features.flip(flips), kernel, padding=kernel.shape[-1] // 2) for kernel in (folded(weight), weight)
    )
    # Of the four pixels about the corner each sees the other side in its rim alone.
    torch.testing.assert_close(small[..., 7:9, 7:9], large[..., 7:9, 7:9], atol=1e-4, rtol=1e-4)


def test_what_fits_begins_a_training_of_small_128():
    config = first_order_128().override(["keypoints.num_kp=16", "motion.num_kp=16"])
    model = FirstOrderModel(config).eval()
    given = adopt_first_order(model.state_dict())
    training = MonkeyNetTraining(small_128())
    own = training.nets.state_dict()
    assert given.keys() <= own.keys()
    fitting = {name: value for name, value in given.items() if own[name].shape == value.shape}
    # The whole detector fits; dense motion, which is narrower and deeper here, starts anew where it does not.
    assert {name for name in own if name.startswith("keypoints.")} <= fitting.keys()
    training.nets.load_state_dict(fitting, strict=False)
    training.nets.eval()
    frames = torch.rand(1, 3, 32, 32)
    ours, theirs = (each.keypoints.hourglass(frames) for each in (training.model, model))
    torch.testing.assert_close(ours, theirs)


def test_dense_motion_of_the_same_widths_fits_too():
    sizes = ["block_expansion=32", "max_features=256", "num_blocks=3"]
    config = first_order_128().override(["keypoints.num_kp=16", "motion.num_kp=16"])
    given = adopt_first_order(FirstOrderModel(config).state_dict())
    training = MonkeyNetTraining(small_128().override([f"motion.{each}" for each in sizes]))
    own = training.nets.state_dict()
    assert all(own[name].shape == value.shape for name, value in given.items())
    missing = own.keys() - given.keys()
    assert {name.split(".")[0] for name in missing} == {"generator"}
    # The correction begins at nothing, the masks where they were.
    assert given["motion.head.weight"].shape[0] == 19 and not given["motion.head.weight"][17:].any()
    assert not given["motion.head.bias"][17:].any() and given["motion.head.bias"][:17].any()


def test_parts_that_are_not_there_are_not_made_up():
    assert (
        adopt_first_order({"generator.final.bias": torch.zeros(3), "keypoints.jacobian_head.bias": torch.ones(4)}) == {}
    )
