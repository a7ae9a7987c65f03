"""What a user's own Python calls: prepare once, step many times, or swap parts."""

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.data.clips.synthetic import moving_shapes
from kinema.framing.pixels import to_frames
from kinema.systems.co_part.model import CoPartModel
from kinema.systems.co_part.pipeline import CoPartPipeline


@pytest.fixture
def pipeline(make_config) -> CoPartPipeline:
    return CoPartPipeline(CoPartModel(make_config()))


def clip(size: tuple[int, int] = (32, 32), num_frames: int = 4) -> np.ndarray:
    return moving_shapes(1, num_frames, size, seed=3)[0]


def still() -> torch.Tensor:
    return to_frames(moving_shapes(1, 1, 32, seed=9)[0])


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


def test_absolute_takes_pose_and_parts_of_the_driving_frame(pipeline):
    frames, source = to_frames(clip()), still()
    made = pipeline.prepare(source, relative=False).step(frames)
    torch.testing.assert_close(made, pipeline.model(source.expand(4, -1, -1, -1), frames), atol=1e-5, rtol=0)


def test_relative_moves_the_sources_own_parts(pipeline):
    frames, source = to_frames(clip()), still()
    animation = pipeline.prepare(source)
    made = animation.step(frames)
    # At its anchor a driving clip moves nothing: the source is redrawn, its own parts where they are.
    redrawn = pipeline.model.animate(animation.source, pipeline.detect(source))[0]
    torch.testing.assert_close(made[:1], redrawn, atol=1e-4, rtol=0)
    assert (made[1:] - redrawn).abs().amax(dim=(1, 2, 3)).min() > 1e-5
    scaled = pipeline.prepare(source, adapt_scale=True).step(frames)
    assert (made[1:] - scaled[1:]).abs().max() > 1e-5


def test_a_swap_is_the_models(pipeline):
    targets = to_frames(clip())
    animation = pipeline.prepare(still())
    for options in ({}, {"hard": True}, {"of_source": True}):
        made, shown = pipeline.swap(animation, targets, [1, 2], **options)
        expected = pipeline.model.swap(animation.source, targets, [1, 2], **options)
        torch.testing.assert_close((made, shown), expected)
        assert made.dtype == torch.float32 and not made.requires_grad


def test_a_part_that_there_is_not_is_refused_in_one_line(pipeline):
    animation = pipeline.prepare(still())
    with pytest.raises(InputError, match=r"parts \[1, 4\]: give one or more of 0 \(background\) to 3") as caught:
        pipeline.swap(animation, still(), [1, 4])
    assert "\n" not in str(caught.value)
