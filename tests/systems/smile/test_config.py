"""What does not fit together is refused."""

from __future__ import annotations

import pytest

from kinema.core.checks import InputError
from kinema.systems.smile.config import SmileConfig


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("labels=[happy]", "landmarks.num_labels is 2, there are 1 labels"),
        ("translator.motion.num_kp=10", "there are 12 groups"),
        ("translator.motion.align_corners=false", "must be true"),
        ("discriminator.use_kp=true", "discriminator.use_kp false"),
        ("discriminator.num_channels=3", "must be 7"),
        ("discriminator.scales=[1, 0.5]", "judged at one scale"),
        ("frames.size=[36, 36]", "must be multiples of 8"),
        ("objective.landmarks.diversity=some", "is refused"),
    ],
)
def test_what_does_not_fit_is_refused(tiny: SmileConfig, change: str, said: str):
    with pytest.raises(InputError, match=said):
        tiny.override([change])


def test_something_must_learn(tiny: SmileConfig):
    assert tiny.override(["objective.lr_translator=0"]).objective.lr_translator == 0
    with pytest.raises(InputError, match="nothing learns"):
        tiny.override(["objective.lr_translator=0", "objective.landmarks.learning_rate=0"])


def test_the_divisor_is_that_of_the_chosen_translator(tiny: SmileConfig):
    assert tiny.divisor == 8 and tiny.override(["translator.kind=unet"]).divisor == 16
