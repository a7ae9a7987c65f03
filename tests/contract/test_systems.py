"""What every preset of every system keeps: it builds, computes, learns, is saved, and does not depend on its company.

A new system joins by one entry in EXAMPLES.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.blocks.vgg import Vgg19Features
from kinema.blocks.vgg_caffe import VggCaffeFeatures
from kinema.core.checks import InputError
from kinema.data.samples.batches import Batch, ClipBatch, PoseBatch, SmileBatch
from kinema.systems import SYSTEMS, UNTRAINED
from kinema.systems.system import System, find_system
from kinema.tasks.learn import model_state
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.weights.model_folder import build_model, read_model, save_model

from ..faces.faces import face_pairs, labelled_frames, smiles
from ..people.poses import random_joints


@dataclass(frozen=True)
class Example:
    """How the tests below handle one system.

    Attributes:
        shrink: a preset's config to assignments that keep its structure and take the width.
        everything: a shrunk config to assignments that switch on every network and every loss.
        features: a config to a small perceptual network of the depth that it asks for, or None.
        batch: rows and (height, width) to what the system trains on.
        infer: model and batch to frames.
        steps: after as many, all networks have learned.
    """

    shrink: Callable[[Any], list[str]]
    everything: Callable[[Any], list[str]]
    features: Callable[[Any], PerceptualFeatures | None]
    batch: Callable[[int, tuple[int, int]], Any]
    infer: Callable[[Any, Any], Tensor]
    steps: int = 1


def shrink_first_order(config: Any) -> list[str]:
    side = 128 if config.divisor > 64 else 64
    narrow = {"keypoints": 8, "motion": 8, "generator": 8, "discriminator": 16}
    widths = [f"{part}.{name}={value}" for part, value in narrow.items() for name, value in
              (("block_expansion", 4), ("max_features", value))]  # fmt: skip
    return [f"frames.size=[{side}, {side}]", "generator.num_bottleneck_blocks=1", "train.batch_size=2", *widths]


def switch_on_first_order(config: Any) -> list[str]:
    ones = [1] * len(config.objective.scales)
    terms = ["generator_gan=1", "separation=1", "concentration=1", "lr_keypoints=1e-4", f"pixel={ones}"]
    return [f"objective.{term}" for term in [*terms, "perceptual=[1, 1, 1]", "transform_color=0.2"]]


def frame_pairs(rows: int, size: tuple[int, int]) -> Batch:
    coarse = torch.rand(2 * rows, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    smooth = F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
    return Batch(*smooth.chunk(2))


def small_vgg(config: Any) -> PerceptualFeatures | None:
    return Vgg19Features(widths=(4,) * 13, depth=len(config.objective.perceptual))


def shrink_monkey_net(config: Any) -> list[str]:
    side = 128 if config.divisor > 64 else 64
    widths = [f"{part}.{name}={value}" for part in ("keypoints", "motion", "generator", "discriminator")
              for name, value in (("block_expansion", 4), ("max_features", 8))]  # fmt: skip
    return [f"frames.size=[{side}, {side}]", "generator.num_refinement_blocks=1", "train.batch_size=2", *widths]


def switch_on_monkey_net(config: Any) -> list[str]:
    terms = ["generator_gan=1", "reconstruction=[10, 10, 10, 10, 1]", "reconstruction_deformed=1", "separation=1"]
    return [f"objective.{term}" for term in [*terms, "concentration=1", "detach_kp_discriminator=false"]]


def shrink_co_part(config: Any) -> list[str]:
    side = 128 if config.divisor > 64 else 64
    widths = [f"{part}.{name}={value}" for part in ("keypoints", "generator") for name, value in
              (("block_expansion", 4), ("max_features", 8))]  # fmt: skip
    return [f"frames.size=[{side}, {side}]", "generator.num_bottleneck_blocks=1", "train.batch_size=2", *widths]


def switch_on_co_part(config: Any) -> list[str]:
    return [f"objective.pixel={[1] * len(config.objective.scales)}", "objective.perceptual=[1, 1, 1]"]


def shrink_deformable_gan(config: Any) -> list[str]:
    widths = [f"{part}.{name}={value}" for part in ("generator", "discriminator") for name, value in
              (("block_expansion", 4), ("max_features", 8))]  # fmt: skip
    sizes = ["frames.size=[128, 64]", "discriminator.size=[128, 64]"]
    return [*sizes, "train.batch_size=2", "objective.gan_start_step=0", *widths]


def switch_on_deformable_gan(config: Any) -> list[str]:
    terms = ["pixel=1", "pixel_area=3", "person=1", "perceptual=[1, 1]", "perceptual_area=3", "generator_gan=1"]
    return ["generator.matte=true", *(f"objective.{term}" for term in [*terms, "dropout=0.1", "matte=1"])]


def small_content_network(config: Any) -> PerceptualFeatures | None:
    if not config.objective.uses_features:
        return None
    depth = len(config.objective.perceptual)
    if depth > 2:
        return Vgg19Features(widths=(4,) * 13, depth=depth)
    return VggCaffeFeatures(widths=(4, 4, 4), depth=depth)


def person_pairs(rows: int, size: tuple[int, int]) -> PoseBatch:
    frames = frame_pairs(rows, size)
    return PoseBatch(frames.source, frames.driving, *(random_joints(rows, size, seed=seed) for seed in (0, 1)))


def shrink_smile(config: Any) -> list[str]:
    side = config.divisor if config.divisor == 64 else 2 * config.divisor
    narrow = ("translator.unet", "translator.motion", "translator.generator", "discriminator")
    widths = [f"{part}.{name}={value}" for part in narrow for name, value in
              (("block_expansion", 4), ("max_features", 8))]  # fmt: skip
    sequences = ["embedding.num_codes=4", "embedding.num_features=8", "embedding.image_side=16", "num_features=8"]
    return [
        f"frames.size=[{side}, {side}]",
        *widths,
        "discriminator.num_blocks=2",
        "translator.generator.num_bottleneck_blocks=1",
        *(f"landmarks.{name}" for name in [*sequences, "mode_features=8"]),
        "train.batch_size=2",
    ]


def switch_on_smile(config: Any) -> list[str]:
    together = ["sequence_step=0", "modes_step=0", "tune_step=0", "end_step=null"]
    terms = ["perceptual=[1, 1, 1]", "generator_gan=1", "gan_start_step=0", "warped=1", "mouth=2", "dropout=0.1"]
    return [f"objective.{term}" for term in [*(f"landmarks.{term}" for term in together), *terms]]


def smile_batch(rows: int, size: tuple[int, int]) -> SmileBatch:
    labels, styles = [row % 2 for row in range(rows)], [row % 3 for row in range(rows)]
    return SmileBatch(smiles(labels, styles), face_pairs(rows, size))


def translate(model: Any, batch: SmileBatch) -> Tensor:
    assert batch.pairs is not None
    return model.translate(batch.pairs.source, batch.pairs.landmarks_source, batch.pairs.landmarks_driving)


def shrink_expression_gan(config: Any) -> list[str]:
    widths = [f"{part}.{name}={value}" for part in ("image", "discriminator", "identity") for name, value in
              (("block_expansion", 4), ("max_features", 8))]  # fmt: skip
    codes = ["image.num_codes=6", "sequence.num_codes=6", "sequence.num_features=8"]
    return [*widths, *codes, "discriminator.num_blocks=2", "identity.num_blocks=2", "train.batch_size=2"]


def switch_on_expression_gan(config: Any) -> list[str]:
    return [f"objective.{term}" for term in ("sequence_step=0", "joint_step=0", "perceptual=[1, 1, 1]")]


def shrink_playable(config: Any) -> list[str]:
    states = [f"{part}.state_features=8" for part in ("representation", "actions", "dynamics")]
    hidden = [f"{part}.hidden_features=8" for part in ("dynamics", "renderer")]
    sizes = ["frames.size=[64, 64]", "dynamics.size=[8, 8]", "train.batch_size=2", "representation.stack=1"]
    return [*sizes, *states, *hidden, "schedule.real_end=2", "schedule.real_start=2"]


def switch_on_playable(config: Any) -> list[str]:
    # Pretraining for one step, then play.
    terms = ["entropy=0.1", "state_kl=0.1", "mutual_information=1", "direction_kl=0.1"]
    return ["schedule.pretraining_steps=1", *(f"objective.pretraining.{term}" for term in terms)]


def moving_clips(rows: int, size: tuple[int, int]) -> ClipBatch:
    """One frame dissolves into another."""
    pairs = frame_pairs(rows, size)
    moments = [pairs.source * (1 - share) + pairs.driving * share for share in (0, 0.3, 0.6, 0.9)]
    return ClipBatch(torch.stack(moments, dim=1))


def play(model: Any, batch: ClipBatch) -> Tensor:
    for norm in model.modules():
        # Norms that no batch has passed make what they let through smaller, and there are thirty in a row.
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_var.fill_(0.1)
    return model(batch.observations[:, 0], torch.tensor([[0, 1, 2]] * len(batch.observations)))[:, -1]


EXAMPLES = {
    "first_order": Example(
        shrink=shrink_first_order,
        everything=switch_on_first_order,
        features=small_vgg,
        batch=frame_pairs,
        infer=lambda model, batch: model(batch.source, batch.driving),
    ),
    "monkey_net": Example(
        shrink=shrink_monkey_net,
        everything=switch_on_monkey_net,
        features=lambda config: None,
        batch=frame_pairs,
        infer=lambda model, batch: model(batch.source, batch.driving),
    ),
    "co_part": Example(
        shrink=shrink_co_part,
        everything=switch_on_co_part,
        features=lambda config: small_vgg(config) if config.objective.uses_features else None,
        batch=frame_pairs,
        infer=lambda model, batch: model(batch.source, batch.driving),
    ),
    "deformable_gan": Example(
        shrink=shrink_deformable_gan,
        everything=switch_on_deformable_gan,
        features=small_content_network,
        batch=person_pairs,
        infer=lambda model, batch: model(batch.source, batch.joints_source, batch.joints_driving),
    ),
    "smile": Example(
        shrink=shrink_smile,
        everything=switch_on_smile,
        features=lambda config: small_vgg(config) if config.objective.uses_features else None,
        batch=smile_batch,
        infer=translate,
    ),
    "expression_gan": Example(
        shrink=shrink_expression_gan,
        everything=switch_on_expression_gan,
        features=lambda config: small_vgg(config) if config.objective.uses_features else None,
        batch=labelled_frames,
        infer=lambda model, batch: model(batch.frames[:, 0], batch.label, 4)[:, -1],
    ),
    "playable": Example(
        shrink=shrink_playable,
        everything=switch_on_playable,
        features=lambda config: small_vgg(config) if config.objective.uses_features else None,
        batch=moving_clips,
        infer=play,
        steps=2,
    ),
}
ALL = [(system, preset) for system in SYSTEMS for preset in find_system(system).presets]
every_preset = pytest.mark.parametrize(("name", "preset"), ALL, ids=[f"{name}-{preset}" for name, preset in ALL])


def shrunk(name: str, preset: str) -> tuple[System, Any, Example]:
    system, example = find_system(name), EXAMPLES[name]
    config = system.preset(preset)
    return system, config.override(example.shrink(config)), example


def random_model(system: System, config: Any) -> nn.Module:
    """Weights away from their start, where parts such as the Jacobians are still constant."""
    model = system.make_model(config)
    for parameter in model.parameters():
        parameter.data += 0.02 * torch.randn(parameter.shape)
    return model.eval()


def make_loop(system: System, config: Any, example: Example, *, seed: int = 0) -> TrainingLoop:
    torch.manual_seed(seed)
    training = system.make_training(config, example.features(config))
    train = config.train.model_copy(update={"seed": seed})
    accelerator = make_accelerator(device="cpu")
    loop = TrainingLoop(training, train, total_steps=9, config_json="{}", run=None, accelerator=accelerator)
    training.nets.train()
    return loop


def test_every_system_has_an_example():
    assert EXAMPLES.keys() == SYSTEMS.keys() - set(UNTRAINED)


def test_every_system_has_a_preset_to_begin_with():
    for name in EXAMPLES:
        system = find_system(name)
        assert system.default_preset in system.presets, name


@every_preset
def test_it_builds_at_full_size_and_ships_what_inference_needs(name: str, preset: str):
    system, example = find_system(name), EXAMPLES[name]
    config = system.preset(preset)
    with torch.device("meta"):
        training = system.make_training(config, example.features(config))
        model = system.make_model(config)
    shipped = model_state(system, dict(training.nets.state_dict()))
    wanted = model.state_dict()
    assert {key: value.shape for key, value in shipped.items()} == {key: value.shape for key, value in wanted.items()}
    assert system.config.parse(config.model_dump(mode="json"), origin="round trip") == config


@every_preset
def test_frames_have_shape_and_range_and_rows_do_not_meet(name: str, preset: str):
    system, config, example = shrunk(name, preset)
    model = random_model(system, config)
    batch = example.batch(3, config.size)
    with torch.no_grad():
        together, alone = example.infer(model, batch), example.infer(model, batch[1])
    assert together.shape == (3, 3, *config.size) and together.dtype == torch.float32
    assert 0 <= together.min() < together.max() <= 1
    assert (together[0] - together[1]).abs().max() > 1e-4
    torch.testing.assert_close(alone, together[1:2], atol=1e-5, rtol=1e-4)


@every_preset
def test_frames_need_not_be_square_but_must_fit(name: str, preset: str):
    system, config, example = shrunk(name, preset)
    model = random_model(system, config)
    divisor = config.divisor
    with torch.no_grad():
        assert example.infer(model, example.batch(1, (divisor, 2 * divisor))).shape == (1, 3, divisor, 2 * divisor)
        with pytest.raises(InputError) as caught:
            example.infer(model, example.batch(1, (divisor, 2 * divisor + 1)))
    assert f"{divisor}x{2 * divisor}" in str(caught.value) and "\n" not in str(caught.value)


@every_preset
def test_bfloat16_is_close(name: str, preset: str):
    system, config, example = shrunk(name, preset)
    model, batch = random_model(system, config), example.batch(1, config.size)
    with torch.no_grad():
        exact = example.infer(model, batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            low = example.infer(model, batch).float()
    assert low.isfinite().all() and not torch.equal(low, exact)
    assert (low - exact).abs().mean() < 0.02


@every_preset
@pytest.mark.parametrize("half", [False, True])
def test_a_saved_model_makes_the_same_frames(tmp_path, name: str, preset: str, half: bool):
    system, config, example = shrunk(name, preset)
    model, batch = random_model(system, config), example.batch(1, config.size)
    folder = tmp_path / "model"
    state = model.state_dict()
    save_model(folder, system=system, config=config, state=state, facts={"steps": 3}, card="# card\n", half=half)
    stored = read_model(folder)
    assert stored.config == config and stored.system is system and stored.facts == {"steps": 3}
    with torch.no_grad():
        before, after = example.infer(model, batch), example.infer(build_model(stored), batch)
    if half:
        assert (before - after).abs().mean() < 2e-3
    else:
        assert torch.equal(before, after)


@every_preset
def test_every_weight_learns(name: str, preset: str):
    system, config, example = shrunk(name, preset)
    loop = make_loop(system, config.override(example.everything(config)), example)
    nets, learned = loop.system.nets, set[str]()
    for _ in range(example.steps):
        losses = loop.take_step(example.batch(2, config.size))
        assert all(value.isfinite() for value in losses.values())
        # Left where the phase of each network put them.
        gradients = {name: parameter.grad for name, parameter in nets.named_parameters() if parameter.grad is not None}
        assert all(gradient.isfinite().all() for gradient in gradients.values())
        learned |= {name for name, gradient in gradients.items() if gradient.any()}
    # A net may have a training of its own, or no weights: limbs move by arithmetic alone.
    own = {name for name in set(system.model_nets) & set(nets) if any(True for _ in nets[name].parameters())}
    names = {name for name, _ in nets.named_parameters()}
    assert own and {name.split(".")[0] for name in names} >= own
    assert learned == names


@every_preset
def test_a_seed_decides_the_result(name: str, preset: str):
    system, config, example = shrunk(name, preset)
    states = []
    for seed in (0, 0, 1):
        loop = make_loop(system, config, example, seed=seed)
        loop.take_step(example.batch(2, config.size))
        states.append(loop.system.nets.state_dict())
    first, same, other = states
    assert all(torch.equal(value, same[key]) for key, value in first.items())
    assert any(not torch.equal(value, other[key]) for key, value in first.items())
