"""Parts that must agree, and what the authors' presets say."""

import pytest

from kinema.core.checks import InputError
from kinema.systems.first_order.presets import PRESETS, small_64, small_128, taichi_adv_256, vox_256


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"keypoints": {"num_kp": 5}}, "num_kp 5"),
        ({"discriminator": {"num_kp": 3, "use_kp": True}}, "discriminator.num_kp 3"),
        ({"motion": {"align_corners": False}}, "align_corners"),
        ({"objective": {"pixel": (1,)}}, "one weight for each of objective.scales"),
        ({"discriminator": {"scales": (0.25,)}}, "discriminator.scales must be among"),
        ({"frames": {"size": (32, 36)}}, "multiples of 8"),
    ],
)
def test_parts_that_disagree_are_refused(make_config, changes, part):
    with pytest.raises(InputError) as caught:
        make_config(**changes)
    assert part in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_what_is_switched_off_need_not_agree(make_config):
    assert make_config(discriminator={"num_kp": 3, "use_kp": False}).discriminator.num_kp == 3


def test_the_divisor_is_that_of_the_part_that_halves_most(make_config):
    assert make_config().divisor == 8
    assert make_config(motion={"num_blocks": 4}).divisor == 32
    assert make_config(generator={"num_down_blocks": 4}).divisor == 16


def test_the_authors_sizes():
    for name in PRESETS:
        config = PRESETS[name]()
        assert config.keypoints.num_kp == 10 and config.size == (int(name[-3:].strip("_")),) * 2
        if name.endswith("256"):
            assert config.divisor == 128 and config.objective.perceptual == (10,) * 5
            assert config.objective.scales == (1, 0.5, 0.25, 0.125)
    assert vox_256().objective.generator_gan == 0 and vox_256().train.batch_size == 40
    assert taichi_adv_256().objective.lr_keypoints == 0 and taichi_adv_256().discriminator.use_kp


def test_weights_of_the_small_model_move_between_sizes():
    small, large = small_64(), small_128()
    for part in ("keypoints", "motion"):
        values = getattr(small, part).model_dump()
        assert values | {"scale_factor": 0.25} == getattr(large, part).model_dump()
    assert small.generator == large.generator
