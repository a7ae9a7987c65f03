"""smile learns: three styles of drawn faces become three modes, and a drawn face follows its landmarks.

Recipe: faces of tests/ops/faces.py, 2 labels x 3 styles, seed 0, every setting that matters named below.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from kinema.data.samples.batches import LabelledLandmarks, LandmarkPair, SmileBatch
from kinema.faces.landmark_maps import draw_landmarks
from kinema.faces.landmarks import MEAN_FACE
from kinema.metrics.landmark_sequences import best_of, covered_styles
from kinema.systems.smile.objective import SmileTraining
from kinema.systems.smile.presets import small_64
from kinema.train.loop import TrainingLoop, make_accelerator

from ..faces.faces import smiles, template

LANDMARKS = (
    "objective.lr_translator=0",
    "objective.landmarks.sequence_step=120",
    "objective.landmarks.modes_step=150",
    "objective.landmarks.tune_step=460",
    "objective.landmarks.end_step=480",
    "objective.landmarks.kl=0.001",
    "objective.landmarks.temperature=[0.2, 0.02]",
    "objective.landmarks.learning_rate=3e-3",
    "objective.landmarks.tune_rate=3e-3",
    "landmarks.embedding.num_codes=8",
    "landmarks.embedding.num_features=64",
    "landmarks.num_features=32",
    "landmarks.mode_features=32",
    "train.steps=480",
    "train.channels_last=false",
    "train.average_decay=0",
    "train.lr_warmup_steps=0",
)
FRAMES = (
    "frames.size=[32, 32]",
    "objective.landmarks.learning_rate=0",
    "objective.perceptual=[]",
    "objective.generator_gan=0",
    "objective.lr_translator=2e-3",
    "translator.motion.block_expansion=8",
    "translator.motion.max_features=16",
    "translator.motion.num_blocks=2",
    "translator.generator.block_expansion=8",
    "translator.generator.max_features=16",
    "translator.generator.num_bottleneck_blocks=1",
    "translator.unet.block_expansion=8",
    "translator.unet.max_features=32",
    "translator.unet.num_levels=4",
    "train.steps=100",
    "train.average_decay=0",
    "train.lr_warmup_steps=0",
)


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums in one order, so that losses hold on machines of any number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def learn(assignments: tuple[str, ...], batch: Callable[[int], SmileBatch]) -> SmileTraining:
    config = small_64().override(list(assignments))
    torch.manual_seed(0)
    training = SmileTraining(config)
    training.nets.train()
    total, accelerator = config.train.steps or 0, make_accelerator(device="cpu")
    loop = TrainingLoop(training, config.train, total_steps=total, config_json="{}", run=None, accelerator=accelerator)
    for step in range(total):
        loop.take_step(batch(step))
    training.nets.eval()
    return training


def test_every_style_gets_a_mode():
    labels, styles = [0, 0, 0, 1, 1, 1] * 3, [0, 1, 2] * 6

    def faces(seed: int) -> LabelledLandmarks:
        """About the mean face, whose surroundings the embedding magnifies."""
        drawn = smiles(labels, styles, seed=seed, spread=0.005)
        return LabelledLandmarks(drawn.landmarks - template() + torch.tensor(MEAN_FACE), drawn.label)

    training = learn(LANDMARKS, lambda step: SmileBatch(faces(step)))
    one = faces(10_000)[:6]
    true = one.landmarks - one.landmarks[:, :1] + one.landmarks[:1, :1]  # one person
    batch = LabelledLandmarks(true, one.label)
    with torch.no_grad():
        made = training.model(batch.landmarks[:, 0], batch.label, true.shape[1])
    still = true[:, None, :1].expand_as(made)
    assert best_of(made, true).mean() < 0.25 * best_of(still, true).mean()
    for rows in (slice(0, 3), slice(3, 6)):
        assert covered_styles(made[rows][:1], true[rows][None]).all()


@pytest.mark.parametrize(("kind", "bound"), [("warp", 0.6), ("unet", 0.6)])
def test_a_face_follows_its_landmarks(kind: str, bound: float):
    def pairs(step: int) -> SmileBatch:
        landmarks = smiles([0, 1, 0, 1, 0, 1], [0, 1, 2, 0, 1, 2], seed=step).landmarks[:, [0, -1]]
        # The head moves too, far enough for 32 pixels.
        shifts = 0.5 * torch.rand(6, 1, 2, generator=torch.Generator().manual_seed(step)) - 0.25
        landmarks = torch.stack([landmarks[:, 0], landmarks[:, 1] + shifts], dim=1) * 0.8
        return SmileBatch(None, LandmarkPair(*_painted(landmarks)))

    training = learn((*FRAMES, f"translator.kind={kind}"), pairs)
    batch = pairs(10_000).pairs
    assert batch is not None
    with torch.no_grad():
        made = training.model.translate(batch.source, batch.landmarks_source, batch.landmarks_driving)
    repeated, apart = ((each - batch.driving).abs().mean().item() for each in (batch.source, made))
    assert apart < bound * repeated, (apart, repeated)


def _painted(landmarks: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Frames of (B, 2, 68, 2) landmarks: thick reddish lines on a bright ground."""
    colours = torch.tensor([0.2, 0.7, 0.8])[:, None, None]
    thick = [torch.nn.functional.max_pool2d(draw_landmarks(each, (32, 32)), 3, 1, 1) for each in landmarks.unbind(1)]
    return (*(1 - colours * lines for lines in thick), landmarks[:, 0], landmarks[:, 1])
