"""What of a first_order model begins a co_part."""

import torch

from kinema.systems.co_part.objective import CoPartTraining
from kinema.systems.co_part.presets import small_128
from kinema.systems.co_part.system import adopt_first_order
from kinema.systems.first_order.model import FirstOrderModel
from kinema.systems.first_order.presets import small_128 as first_order_128

SIXTEEN = ["keypoints.num_kp=16", "motion.num_kp=16"]


def test_a_jacobian_map_shared_by_all_keypoints_is_given_to_each_part():
    weight, bias = torch.randn(4, 5, 7, 7), torch.randn(4)
    state = {"keypoints.jacobian_head.weight": weight, "keypoints.jacobian_head.bias": bias}
    given = adopt_first_order(state | {"keypoints.heatmap_head.weight": torch.zeros(3, 5, 7, 7)})
    assert given["keypoints.jacobian_head.weight"].shape == (12, 5, 7, 7)
    for part in range(3):
        assert torch.equal(given["keypoints.jacobian_head.weight"][4 * part : 4 * part + 4], weight)
        assert torch.equal(given["keypoints.jacobian_head.bias"][4 * part : 4 * part + 4], bias)


def test_maps_of_their_own_and_what_is_no_keypoint_stay():
    state = {
        "keypoints.heatmap_head.weight": torch.randn(3, 5, 7, 7),
        "keypoints.jacobian_head.weight": torch.randn(12, 5, 7, 7),
        "keypoints.jacobian_head.bias": torch.randn(12),
        "generator.final.bias": torch.randn(3),
    }
    given = adopt_first_order(state | {"motion.mask_head.bias": torch.randn(4)})
    assert given.keys() == state.keys() and all(torch.equal(given[name], state[name]) for name in state)


def test_the_parts_begin_as_the_keypoints_of_a_small_128():
    # Its one Jacobian map is shared, its heads are padded as ours.
    model = FirstOrderModel(first_order_128().override(SIXTEEN)).eval()
    torch.nn.init.normal_(model.keypoints.jacobian_head.weight, std=0.01)
    given = adopt_first_order(model.state_dict())
    training = CoPartTraining(small_128())
    training.nets.eval()
    own = training.nets.state_dict()
    assert all(own[name].shape == value.shape for name, value in given.items())
    assert {name.split(".")[1] for name in own.keys() - given.keys()} == {"segmentation_head"}
    training.nets.load_state_dict(given, strict=False)
    frames = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        ours, theirs = training.model.keypoints(frames), model.keypoints(frames)
        torch.testing.assert_close(ours.value, theirs.value)
        torch.testing.assert_close(ours.jacobian, theirs.jacobian, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(training.model.generator(frames, None), model.generator(frames, None))
