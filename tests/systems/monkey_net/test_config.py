"""Parts that must agree, and what the authors' presets say."""

import pytest
import torch

from kinema.core.checks import InputError
from kinema.systems.monkey_net.model import MonkeyNetModel
from kinema.systems.monkey_net.presets import PRESETS, moving_gif, shapes, vox, vox_full


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"keypoints": {"num_kp": 5}}, "num_kp must be equal in keypoints, motion, generator and discriminator"),
        ({"discriminator": {"num_kp": 3}}, "num_kp must be equal"),
        ({"generator": {"kp_variance": "single"}}, "kp_variance must be equal"),
        ({"motion": {"num_channels": 1}}, "num_channels must be equal"),
        ({"predictor": {"num_kp": 3}}, "predictor.num_kp is 3, but keypoints.num_kp 4"),
        ({"objective": {"reconstruction": (1, 1, 1, 1)}}, "has 4 weights, but there are only 3 maps"),
        ({"objective": {"reconstruction": (1, 1), "generator_gan": 0}}, "has 2 weights, but there are only 1 maps"),
        ({"motion": {"use_mask": False, "use_correction": False}}, "nothing would move"),
        ({"frames": {"size": (32, 36)}}, "multiples of 8"),
        ({"keypoints": {"kp_variance": "round"}}, "kp_variance"),
    ],
)
def test_parts_that_disagree_are_refused(make_config, changes, says):
    with pytest.raises(InputError) as caught:
        make_config(**changes)
    assert says in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_what_is_not_there_need_not_agree(make_config):
    parts = ("keypoints", "generator", "discriminator")
    assert make_config(motion=None, **dict.fromkeys(parts, {"num_kp": 5})).motion is None
    assert make_config(objective={"reconstruction": (1,), "generator_gan": 0}).objective.generator_gan == 0


@pytest.mark.parametrize(
    ("changes", "divisor"),
    [
        ({}, 8),
        ({"keypoints": {"scale_factor": 0.25}}, 16),
        ({"motion": {"num_blocks": 4}}, 32),
        ({"motion": {"mask_embedding": {"scale_factor": 0.5}}}, 16),
        ({"generator": {"num_blocks": 4}}, 16),
    ],
)
def test_the_divisor_is_that_of_the_part_that_halves_most(make_config, changes, divisor):
    config = make_config(**changes)
    assert config.divisor == divisor
    frames = torch.rand(1, 3, divisor, 3 * divisor)
    assert MonkeyNetModel(config).eval()(frames, frames).shape == frames.shape


def test_the_authors_sizes():
    assert {name: PRESETS[name]().size for name in PRESETS} == {
        **dict.fromkeys(("shapes", "actions", "nemo", "taichi", "bair"), (64, 64)),
        **dict.fromkeys(("moving_gif", "small_128"), (128, 128)),
        **dict.fromkeys(("vox", "vox_full"), (256, 256)),
    }
    assert shapes().keypoints.num_kp == 4 and shapes().keypoints.clip_variance is None
    assert vox().motion.scale_factor == 0.25 and vox_full().motion.scale_factor == 1
    assert moving_gif().motion.mask_embedding.use_difference and not vox().motion.mask_embedding.use_difference
    assert vox().generator.interpolation == "bilinear" and moving_gif().generator.interpolation == "nearest"
