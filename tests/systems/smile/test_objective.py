"""Phases follow one another and touch their own networks alone; each loss is what its name says."""

from __future__ import annotations

import pytest
import torch

from kinema.core.random import torch_generator
from kinema.data.samples.batches import SmileBatch
from kinema.systems.smile.config import SmileConfig
from kinema.systems.smile.objective import SmileTraining
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.train.phases import Turn

from ...faces.faces import face_pairs, smiles


def batch(rows: int = 2) -> SmileBatch:
    return SmileBatch(smiles([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]), face_pairs(rows, (32, 32)))


def turn(step: int = 0) -> Turn:
    return Turn(step, torch_generator("test", step))


def make_loop(config: SmileConfig) -> TrainingLoop:
    torch.manual_seed(0)
    training = SmileTraining(config)
    training.nets.train()
    accelerator = make_accelerator(device="cpu")
    return TrainingLoop(training, config.train, total_steps=9, config_json="{}", run=None, accelerator=accelerator)


@pytest.mark.parametrize("form", ["coordinates", "images"])
@pytest.mark.parametrize("diversity", ["balanced", "push_pull"])
def test_landmarks_learn_phase_by_phase(tiny: SmileConfig, form: str, diversity: str):
    begins = ["sequence_step=1", "modes_step=2", "tune_step=3", "end_step=4", f"diversity={diversity}"]
    config = tiny.override(
        [
            *(f"objective.landmarks.{term}" for term in begins),
            "objective.lr_translator=0",
            f"landmarks.embedding.representation={form}",
        ]
    )
    loop = make_loop(config)
    assert [phase.name for phase in loop.phases] == ["embed", "sequence", "modes", "tune"]
    wanted = [{"embedding"}, {"sequence"}, {"modes"}, {"embedding", "sequence", "modes"}]
    apart = {"closest", "pull", "push"} if diversity == "push_pull" else {"balanced", "landmark_push"}
    names = [{"embedding", "kl"}, {"sequence", "code"}, apart, {"embedding", "kl", "sequence", "code"} | apart]
    for nets, terms in zip(wanted, names, strict=True):
        before = {name: value.clone() for name, value in loop.system.nets.state_dict().items()}
        losses = loop.take_step(batch())
        assert losses.keys() == terms and all(value.isfinite() for value in losses.values())
        after = loop.system.nets.state_dict()
        changed = {name.split(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
        assert changed == nets
    assert not loop.take_step(batch())


def test_the_temperature_falls_while_modes_are_learned(tiny: SmileConfig):
    training = SmileTraining(tiny.override([f"objective.landmarks.{t}" for t in ("modes_step=10", "tune_step=20")]))
    values = [training.landmarks.temperature(step) for step in (0, 10, 15, 20, 99)]
    assert values == pytest.approx([0.5, 0.5, (0.5 * 0.05) ** 0.5, 0.05, 0.05])


@pytest.mark.parametrize("kind", ["warp", "unet"])
@pytest.mark.parametrize("gan", ["lsgan", "nonsaturating"])
def test_the_discriminator_joins_late(tiny: SmileConfig, kind: str, gan: str):
    config = tiny.override(
        ["objective.landmarks.learning_rate=0", f"translator.kind={kind}", f"objective.gan={gan}",
         "objective.gan_start_step=1"]
    )  # fmt: skip
    loop = make_loop(config)
    assert [phase.name for phase in loop.phases] == ["translate", "discriminate"]
    pixels = {"pixel", "warped"} if kind == "warp" else {"pixel"}
    assert loop.take_step(batch()).keys() == pixels
    assert loop.take_step(batch()).keys() == {*pixels, "generator_gan", "discriminator_gan"}
    assert loop.system.sample_sheet(batch()).shape == (3, 96, 64)


def test_a_mouth_counts_more(tiny: SmileConfig):
    config = tiny.override(["objective.pixel=1", "objective.mouth=1"])
    pairs = face_pairs(1, (32, 32))
    plain, heavy = (SmileTraining(config.override([f"objective.mouth={mouth}"])) for mouth in (1, 5))
    at_mouth, at_rim = pairs.driving.clone(), pairs.driving.clone()
    x, y = ((pairs.landmarks_driving[0, 66] + 1) * 31 / 2).round().long().tolist()
    at_mouth[..., y, x] += 1
    at_rim[..., 0, 0] += 1
    assert plain._pixel(at_mouth, pairs) == pytest.approx(1 / 1024) == plain._pixel(at_rim, pairs)
    assert heavy._pixel(at_mouth, pairs) > 1.5 / 1024 > 1 / 1024 > heavy._pixel(at_rim, pairs)


def test_a_sheet_of_landmarks_shows_truth_and_modes(tiny: SmileConfig):
    training = SmileTraining(tiny.override(["objective.lr_translator=0"]))
    sheet = training.sample_sheet(SmileBatch(batch().sequences))
    assert sheet.shape == (3, 4 * 16, 8 * 16) and 0 <= sheet.min() and sheet.max() <= 1
