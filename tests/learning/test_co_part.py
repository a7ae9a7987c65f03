"""co_part learns: it overfits a synthetic clip by moving its parts.

Recipe: a clip of kinema.data.clips.synthetic, 32x32, batch 4, seed 0, every setting that matters named in SMALL.
"""

from __future__ import annotations

import pytest
import torch

from kinema.data.clips.synthetic import moving_shapes
from kinema.data.samples.augment import no_augmentation
from kinema.data.samples.frame_pairs import PairSource
from kinema.framing.pixels import to_frames
from kinema.systems.co_part.config import CoPartConfig
from kinema.systems.co_part.objective import CoPartTraining
from kinema.train.loop import TrainingLoop, make_accelerator

STEPS = 200
SMALL = {
    "frames": {"size": (32, 32)},
    "pairs": {"augment": no_augmentation().model_dump()},
    "keypoints": {"num_parts": 5, "block_expansion": 16, "max_features": 48, "num_blocks": 2}
    | {"scale_factor": 0.5, "temperature": 0.1, "affine": True, "background_init": 0},
    "generator": {"block_expansion": 8, "max_features": 16, "num_bottleneck_blocks": 1, "blend_source": True},
    "visibility": True,
    "objective": {
        "scales": (1, 0.5, 0.25),
        "pixel": (20, 10, 5),
        "perceptual": (),
        "equivariance": 1,
        "area": 0,
        "sigma_affine": 0.1,
        "sigma_thin_plate": 0.01,
        "grid_points": 5,
        "lr_generator": 4e-3,
        "lr_keypoints": 4e-3,
    },
    "train": {"batch_size": 4, "steps": STEPS, "schedule": "cosine", "channels_last": True, "seed": 0},
}


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums in one order, so that losses hold on machines of any number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_it_overfits_a_clip_and_beats_repeating_the_source():
    clip = moving_shapes(1, 8, 32, seed=4)[0]
    config = CoPartConfig.parse(SMALL, origin="test")
    torch.manual_seed(0)
    training = CoPartTraining(config)
    training.nets.train()
    accelerator = make_accelerator(device="cpu")
    loop = TrainingLoop(training, config.train, total_steps=STEPS, config_json="{}", run=None, accelerator=accelerator)
    source = PairSource.from_arrays({"clip": clip}, config.pairs, seed=0)
    losses = [{k: v.item() for k, v in loop.take_step(source.batch(step, 4)).items()} for step in range(STEPS)]

    def late(name: str) -> float:
        return sum(loss[name] for loss in losses[-20:]) / 20

    frames = to_frames(clip)
    training.nets.eval()
    with torch.no_grad():
        made = training.model(frames[:1].expand(7, -1, -1, -1), frames[1:])
    repeated, apart = ((each - frames[1:]).abs().mean().item() for each in (frames[:1], made))
    assert repeated == pytest.approx(0.0558, abs=1e-3)
    begun = sum(loss["pixel"] for loss in losses[:5]) / 5
    # Training is chaotic: from the same seed it ends below 1.25 on an Intel Xeon, at 1.40 on an AMD EPYC.
    assert late("pixel") < 1.6 < begun / 2, (late("pixel"), begun)
    assert late("equivariance_shift") < 0.1
    assert apart < 0.8 * repeated, apart
