"""Parts that must agree, and what the authors' presets say."""

import pytest
import torch

from kinema.core.checks import InputError
from kinema.systems.co_part.model import CoPartModel
from kinema.systems.co_part.presets import PRESETS, small_128, taichi_10, vox_5
from kinema.systems.first_order.presets import small_128 as first_order_128


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"objective": {"pixel": (1,)}}, "objective.pixel needs one weight for each of objective.scales"),
        ({"objective": {"lr_generator": 0, "lr_keypoints": 0}}, "nothing would learn"),
        ({"objective": {"area": -1}}, "objective.area"),
        ({"objective": {"perceptual_network": "resnet"}}, "perceptual_network"),
        ({"keypoints": {"num_parts": 0}}, "num_parts"),
        ({"keypoints": {"num_kp": 5}}, "num_kp"),
        ({"frames": {"size": (32, 36)}}, "multiples of 8"),
        ({"visibility": "much"}, "visibility"),
    ],
)
def test_what_cannot_be_is_refused(make_config, changes, says):
    with pytest.raises(InputError) as caught:
        make_config(**changes)
    assert says in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("changes", "divisor"),
    [({}, 8), ({"keypoints": {"num_blocks": 3}}, 16), ({"generator": {"num_down_blocks": 4}}, 16)],
)
def test_the_divisor_is_that_of_the_part_that_halves_most(make_config, changes, divisor):
    config = make_config(**changes)
    assert config.divisor == divisor
    frames = torch.rand(1, 3, divisor, 3 * divisor)
    assert CoPartModel(config).eval()(frames, frames).shape == frames.shape


def test_the_authors_sizes():
    parts = {name: PRESETS[name]().keypoints.num_parts for name in PRESETS}
    assert parts == {"vox_5": 5, "vox_10": 10, "vox_15": 15, "taichi_10": 10, "small_128": 16}
    for preset in (vox_5(), taichi_10()):
        assert preset.size == (256, 256) and preset.divisor == 128 and preset.train.batch_size == 20
        assert preset.objective.perceptual == (10,) * 5 and preset.objective.area == 0
        assert preset.keypoints.background_init == 0 and not preset.pairs.augment.jitters


def test_the_small_model_has_the_networks_of_first_orders():
    ours, theirs = small_128(), first_order_128()
    assert ours.generator == theirs.generator
    for field in ("block_expansion", "max_features", "num_blocks", "scale_factor"):
        assert getattr(ours.keypoints, field) == getattr(theirs.keypoints, field)
