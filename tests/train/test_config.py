"""Length and learning rates of a run."""

import pytest
from pydantic import ValidationError

from kinema.train.config import TrainConfig


def test_length_is_given_or_follows_from_the_clips():
    assert TrainConfig(steps=7, epochs=50).total_steps(1000) == 7
    config = TrainConfig(epochs=10, repeats=3, batch_size=4)
    assert config.total_steps(8) == 60 and config.total_steps(8, world_size=2) == 30
    assert TrainConfig(epochs=1, batch_size=64).total_steps(3) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"schedule": "constant"}, [1, 1, 1, 1, 1]),
        ({"schedule": "milestones", "lr_milestones": (0.25, 0.75)}, [1, 0.1, 0.1, 0.01, 0.01]),
        ({"schedule": "milestones", "lr_milestones": ()}, [1, 1, 1, 1, 1]),
        ({"schedule": "cosine"}, [1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5, 0]),
    ],
)
def test_schedules(values, expected):
    config = TrainConfig(**values)
    assert [config.rate_factor(step, 100) for step in (0, 25, 50, 75, 100)] == pytest.approx(expected)


def test_warmup_grows_in_equal_steps_and_then_leaves_the_schedule_alone():
    config = TrainConfig(schedule="constant", lr_warmup_steps=4)
    assert [config.rate_factor(step, 10) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    cosine = TrainConfig(schedule="cosine", lr_warmup_steps=50)
    assert cosine.rate_factor(24, 100) == pytest.approx(0.5 * TrainConfig(schedule="cosine").rate_factor(24, 100))


@pytest.mark.parametrize("values", [{"steps": 0}, {"average_decay": 1}, {"precision": "float16"}, {"batch": 3}])
def test_what_is_out_of_range_is_refused(values):
    with pytest.raises(ValidationError):
        TrainConfig(**values)
