"""Phases touch their own networks alone, videos begin with the redrawn face, and what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.systems.expression_gan.config import ExpressionGanConfig
from kinema.systems.expression_gan.model import ExpressionGanModel
from kinema.systems.expression_gan.objective import ExpressionGanTraining
from kinema.systems.expression_gan.pipeline import ExpressionGanPipeline
from kinema.systems.expression_gan.system import read_expressions
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.video import VideoWriter

from ...faces.faces import labelled_frames, template

GAN = {"pixel", "feature_matching", "generator_gan"}


def test_it_learns_phase_by_phase(tiny: ExpressionGanConfig):
    config = tiny.override(["objective.sequence_step=1", "objective.joint_step=2"])
    torch.manual_seed(0)
    training = ExpressionGanTraining(config)
    training.nets.train()
    accelerator = make_accelerator(device="cpu")
    loop = TrainingLoop(training, config.train, total_steps=9, config_json="{}", run=None, accelerator=accelerator)
    steps = [
        ({"encoder", "generator", "discriminator"}, {*GAN, "kl", "discriminator_gan"}),
        ({"sequence", "discriminator", "judge"}, {"code", "label", "sequence_pixel", "judge", "discriminator_gan"}),
        (
            {"encoder", "generator", "sequence", "discriminator", "identity", "judge"},
            {*GAN, *(f"sequence_{name}" for name in GAN), "kl", "code", "label", "judge", "discriminator_gan"}
            | {"identity_gan", "identity_discriminator"},
        ),
    ]
    for nets, names in steps:
        before = {name: value.clone() for name, value in training.nets.state_dict().items()}
        losses = loop.take_step(labelled_frames(2, (32, 32)))
        assert losses.keys() == names and all(value.isfinite() for value in losses.values())
        after = training.nets.state_dict()
        changed = {name.split(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
        assert changed == nets
    assert training.sample_sheet(labelled_frames(2, (32, 32))).shape == (3, 3 * 32, 8 * 32)


def test_what_is_off_has_no_network(tiny: ExpressionGanConfig):
    off = [f"objective.{term}" for term in ("feature_matching=0", "generator_gan=0", "identity_gan=0", "label=0")]
    assert set(ExpressionGanTraining(tiny.override(off)).nets) == {"encoder", "generator", "sequence"}


@torch.no_grad()
@pytest.mark.parametrize("sees_neutral", [False, True])
def test_a_video_begins_with_the_redrawn_face_and_obeys_the_label(tiny: ExpressionGanConfig, sees_neutral: bool):
    tiny = tiny.override([f"image.sees_neutral={str(sees_neutral).lower()}"])
    model = ExpressionGanModel(tiny).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    batch = labelled_frames(2, (32, 32))
    made = model(batch.frames[:, 0], torch.tensor([0, 0]), 5)
    assert made.shape == (2, 5, 3, 32, 32) and 0 <= made.min() and made.max() <= 1
    face = model.encode(batch.frames[:, 0])
    torch.testing.assert_close(made[:, 0], model.decode(face.mean[:, None], face)[:, 0])
    other = model(batch.frames[:, 0], torch.tensor([1, 0]), 5)
    assert (other[0, -1] - made[0, -1]).abs().max() > 1e-5
    torch.testing.assert_close(other[1], made[1])


def test_the_pipeline_gives_pictures(tiny: ExpressionGanConfig):
    model = ExpressionGanModel(tiny)
    pipeline = ExpressionGanPipeline(model)
    picture = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    frames = list(pipeline.frames(picture, "posed"))
    assert len(frames) == 4 and all(frame.shape == (32, 32, 3) and frame.dtype == np.uint8 for frame in frames)
    with pytest.raises(InputError, match="label 'sad' is unknown to this model"):
        next(pipeline.frames(picture, "sad"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("labels=[happy]", "sequence.num_labels is 2, there are 1 labels"),
        ("image.num_codes=9", "image.num_codes is 9, sequence.num_codes 6"),
        ("frames.size=[48, 48]", r"frames.size must be \[32, 32\]"),
        ("identity.num_channels=3", "identity.num_channels 6"),
        ("discriminator.use_kp=true", "need use_kp false"),
        ("objective.generator_gan=0", "feature_matching needs a discriminator"),
        ("objective.joint_step=1", "is before sequence_step"),
    ],
)
def test_what_does_not_fit_is_refused(tiny: ExpressionGanConfig, change: str, said: str):
    with pytest.raises(InputError, match=said):
        tiny.override([change])


@pytest.mark.parametrize("sees_neutral", ["true", "false"])
def test_a_face_in_a_photo_moves_there_alone(tiny: ExpressionGanConfig, sees_neutral: str):
    model = ExpressionGanModel(tiny.override([f"image.sees_neutral={sees_neutral}"]))
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    photo = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    landmarks = (template() + 1) * 25 + torch.tensor([40.0, 20.0])
    face = ExpressionGanPipeline(model).in_photo(photo, landmarks)
    takes = face.sequences("posed", modes=2, length=4)
    assert takes.shape[:2] == (2, 4)
    torch.testing.assert_close(takes[0, 0], takes[1, 0])
    assert (takes[0, 3] - takes[1, 3]).abs().max() > 1e-6
    changed = (face.picture(takes[1, 3]) != photo).any(axis=(0, 2))
    assert changed[60:70].any() and not changed[:10].any() and not changed[-10:].any()
    if sees_neutral == "true":
        np.testing.assert_array_equal(face.picture(takes[0, 0]), photo)


def test_it_reads_clips_without_landmarks(tmp_path: Path, tiny: ExpressionGanConfig):
    lines = ["clip,label,identity"]
    for row in range(4):
        with VideoWriter(tmp_path / f"{row}.mp4", frame_rate=25, preset="ultrafast") as writer:
            for frame in range(5):
                writer.write(np.full((40, 40, 3), 30 * frame + 10 * row, dtype=np.uint8))
        lines.append(f"{row}.mp4,{('posed', 'spontaneous')[row // 2]},person{row}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    news: list[tuple[int, int]] = []
    examples = read_expressions(tmp_path, tiny, lambda *told: news.append(told))
    assert news[-1] == (4, 4) and examples.facts == {"clips": 4, "people": 4}
    assert examples.source.batch(0, 2).frames.shape == (2, 4, 3, 32, 32)
