"""What a user's own Python calls: prepare once, step many times; and the transfer's own options."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.data.clips.synthetic import moving_shapes
from kinema.framing.pixels import to_frames
from kinema.systems.monkey_net.model import MonkeyNetModel
from kinema.systems.monkey_net.pipeline import MonkeyNetPipeline


@pytest.fixture
def model(make_config) -> MonkeyNetModel:
    return MonkeyNetModel(make_config())


@pytest.fixture
def pipeline(model) -> MonkeyNetPipeline:
    return MonkeyNetPipeline(model)


def clip(size: tuple[int, int] = (32, 32), num_frames: int = 4) -> np.ndarray:
    return moving_shapes(1, num_frames, size, seed=3)[0]


def still() -> torch.Tensor:
    return to_frames(moving_shapes(1, 1, 32, seed=9)[0])


def redrawn(pipeline: MonkeyNetPipeline, source: torch.Tensor) -> torch.Tensor:
    return pipeline.model.animate(pipeline.model.encode(source), pipeline.detect(source))[0]


@pytest.mark.parametrize(("crop", "size"), [("auto", (32, 32)), ("none", (24, 40)), ((5, 3, 40, 40), (32, 32))])
def test_pictures_of_any_size_go_in_and_frames_come_out(pipeline, crop, size):
    animation = pipeline.prepare(clip((50, 90))[0], crop=crop)
    for frame in clip((70, 60)):
        made = animation.step(frame)
        assert made.shape == (*size, 3) and made.dtype == np.uint8


def test_frames_go_in_and_out_as_one_batch_or_one_by_one(pipeline):
    frames = to_frames(clip())
    together = pipeline.prepare(frames[0]).step(frames)
    animation = pipeline.prepare(frames[:1])
    one_by_one = torch.cat([animation.step(frames[n : n + 1]) for n in range(4)])
    assert together.shape == (4, 3, 32, 32) and together.dtype == torch.float32
    torch.testing.assert_close(together, one_by_one, atol=1e-5, rtol=0)


def test_absolute_takes_the_driving_pose_itself(pipeline):
    frames, source = to_frames(clip()), still()
    made = pipeline.prepare(source, relative=False).step(frames)
    torch.testing.assert_close(made, pipeline.model(source.expand(4, -1, -1, -1), frames), atol=1e-5, rtol=0)


def test_relative_adds_the_movement_since_the_anchor(pipeline):
    frames, source = to_frames(clip()), still()
    animation = pipeline.prepare(source)
    made = animation.step(frames)
    kp, driving = pipeline.detect(source), pipeline.detect(frames)
    wanted = replace(driving, value=kp.value + driving.value - driving.value[:1])
    expected = pipeline.model.animate(animation.source, wanted)[0]
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)
    assert (made - pipeline.prepare(source, relative=False).step(frames)).abs().max() > 1e-4
    torch.testing.assert_close(animation.kp_anchor.value, driving.value[:1])


def test_adapted_variance_redraws_the_source_at_the_anchor(model):
    frames, source = to_frames(clip()), still()
    plain, adapted = (MonkeyNetPipeline(model, adapt_variance=adapt) for adapt in (False, True))
    expected = redrawn(plain, source)
    torch.testing.assert_close(adapted.prepare(source).step(frames[:1]), expected, atol=1e-4, rtol=0)
    # Otherwise the covariances are the driving frame's.
    assert (plain.prepare(source).step(frames[:1]) - expected).abs().max() > 1e-3


def test_clipped_means_stay_inside_the_frame(model):
    driving = MonkeyNetPipeline(model).detect(still())
    far = replace(driving, value=driving.value + 3)
    edge = replace(driving, value=torch.ones_like(driving.value))
    for clipped in (False, True):
        animation = MonkeyNetPipeline(model, clip_mean=clipped).prepare(still(), relative=False)
        apart = (animation.animate_to(far) - animation.animate_to(edge)).abs().max()
        assert (apart == 0) == clipped


def test_movements_are_scaled_where_asked_for(pipeline):
    source, frames = still(), to_frames(clip())
    plain, scaled = (pipeline.prepare(source, adapt_scale=adapt).step(frames) for adapt in (False, True))
    torch.testing.assert_close(plain[0], scaled[0], atol=1e-5, rtol=0)
    assert (plain[1:] - scaled[1:]).abs().max() > 1e-5


def test_the_anchor_is_the_source_itself_where_the_clip_shows_it(pipeline):
    frames = to_frames(clip(num_frames=7))
    index, kp = pipeline.find_anchor(frames[5:6], frames.split(3))
    assert index == 5
    torch.testing.assert_close(kp.covariance, pipeline.detect(frames[5:6]).covariance, atol=1e-5, rtol=0)


def test_a_model_without_a_predictor_says_so(pipeline):
    animation = pipeline.prepare(still())
    with pytest.raises(InputError, match="has no predictor") as caught:
        next(pipeline.predict(animation, 3))
    assert "\n" not in str(caught.value)
