"""What a user's own Python calls: prepare once, step many times."""

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.data.clips.synthetic import moving_shapes
from kinema.framing.pixels import to_frames
from kinema.systems.first_order.model import FirstOrderModel
from kinema.systems.first_order.pipeline import FirstOrderPipeline


@pytest.fixture
def pipeline(make_config) -> FirstOrderPipeline:
    return FirstOrderPipeline(FirstOrderModel(make_config()))


def clip(size: tuple[int, int] = (32, 32), num_frames: int = 4) -> np.ndarray:
    return moving_shapes(1, num_frames, size, seed=3)[0]


def test_networks_are_frozen_and_in_evaluation_mode(pipeline):
    assert not pipeline.model.training and not any(p.requires_grad for p in pipeline.model.parameters())
    assert pipeline.size == (32, 32)


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


def test_the_first_frame_is_the_anchor_unless_another_is_given(pipeline):
    frames = to_frames(clip())
    source = to_frames(moving_shapes(1, 1, 32, seed=9)[0])
    redrawn = pipeline.model.animate(pipeline.model.encode(source), pipeline.detect(source))[0]
    # At its anchor a driving clip does not move the source.
    torch.testing.assert_close(pipeline.prepare(source).step(frames[1:2]), redrawn, atol=1e-4, rtol=0)
    anchored = pipeline.prepare(source, anchor=frames[2:3])
    assert (anchored.step(frames[1:2]) - redrawn).abs().max() > 1e-5
    torch.testing.assert_close(anchored.step(frames[2:3]), redrawn, atol=1e-4, rtol=0)


def test_absolute_takes_the_driving_pose_itself(pipeline):
    frames = to_frames(clip())
    source = to_frames(moving_shapes(1, 1, 32, seed=9)[0])
    made = pipeline.prepare(source, relative=False).step(frames)
    torch.testing.assert_close(made, pipeline.model(source.expand(4, -1, -1, -1), frames), atol=1e-5, rtol=0)


def test_the_anchor_is_the_source_itself_where_the_clip_shows_it(pipeline):
    frames = to_frames(clip(num_frames=7))
    index, kp = pipeline.find_anchor(frames[5:6], frames.split(3))
    assert index == 5
    torch.testing.assert_close(kp.value, pipeline.detect(frames[5:6]).value, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="no frames"):
        pipeline.find_anchor(frames[:1], [])


def test_bfloat16_is_close_to_float32(pipeline):
    frames = to_frames(clip())
    low = FirstOrderPipeline(pipeline.model, precision=torch.bfloat16)
    expected, actual = (each.prepare(frames[0]).step(frames) for each in (pipeline, low))
    assert actual.dtype == torch.float32 and (expected - actual).abs().mean() < 0.02


def test_what_does_not_fit_is_refused(pipeline):
    with pytest.raises(InputError, match="too small"):
        pipeline.prepare(np.zeros((5, 40, 3), dtype=np.uint8))
    with pytest.raises(InputError, match="multiples of"):
        pipeline.prepare(torch.rand(3, 30, 32))
    with pytest.raises(InputError, match="does not fit the picture"):
        pipeline.prepare(clip()[0], crop=(0, 0, 33, 32))
