"""monkey_net learns: it overfits a synthetic clip, its discriminator learning along.

Recipe: a clip of kinema.data.clips.synthetic, 32x32, batch 4, seed 0, every setting that matters named in SMALL.
"""

from __future__ import annotations

import pytest
import torch

from kinema.data.clips.synthetic import moving_shapes
from kinema.data.samples.augment import no_augmentation
from kinema.data.samples.frame_pairs import PairSource
from kinema.framing.pixels import to_frames
from kinema.systems.monkey_net.config import MonkeyNetConfig
from kinema.systems.monkey_net.objective import MonkeyNetTraining
from kinema.train.loop import TrainingLoop, make_accelerator

STEPS = 150
SIZES = {"num_kp": 5, "block_expansion": 8, "max_features": 24, "num_blocks": 2}
SMALL = {
    "frames": {"size": (32, 32)},
    "pairs": {"augment": no_augmentation().model_dump()},
    "keypoints": SIZES | {"scale_factor": 0.5, "temperature": 0.1, "clip_variance": 0.001},
    "motion": SIZES
    | {"scale_factor": 0.5}
    | {"mask_embedding": {"use_deformed_source_image": True, "heatmap_type": "difference", "norm_const": 1}},
    "generator": SIZES
    | {"num_refinement_blocks": 1, "interpolation": "bilinear", "blend_source": True}
    | {"kp_embedding": {"heatmap_type": "difference", "norm_const": 1}},
    "discriminator": SIZES | {"kp_embedding": {"norm_const": 1}},
    "objective": {
        "reconstruction": (30, 1, 1),
        "reconstruction_deformed": 10,
        "generator_gan": 0.1,
        "discriminator_gan": 1,
        "detach_kp_generator": False,
        "detach_kp_discriminator": True,
        "lr_generator": 2e-3,
        "lr_keypoints": 1e-3,
        "lr_discriminator": 1e-3,
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
    config = MonkeyNetConfig.parse(SMALL, origin="test")
    torch.manual_seed(0)
    training = MonkeyNetTraining(config)
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
    assert late("reconstruction_0") < 1.3 and late("reconstruction_deformed") < 0.65
    assert late("discriminator_gan") < 0.7 * losses[0]["discriminator_gan"]
    assert apart < 0.036, apart
