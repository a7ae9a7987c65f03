"""Playable as a whole at tiny size: games apart, phases in their turn, a clip learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from kinema.blocks.vgg import Vgg19Features
from kinema.core.checks import InputError
from kinema.data.samples.batches import ClipBatch
from kinema.ops.frame_stack import stack_frames
from kinema.systems.playable.config import PlayableConfig
from kinema.systems.playable.model import PlayableModel
from kinema.systems.playable.objective import PlayableTraining
from kinema.systems.playable.pipeline import PlayablePipeline
from kinema.systems.playable.presets import bair, breakout, tennis
from kinema.systems.playable.rollout import draw_noise, reconstruct, roll_out, unroll
from kinema.train.loop import TrainingLoop, make_accelerator


def tiny(*more: str, stack: int = 2) -> PlayableConfig:
    parts = ["representation", "actions", "dynamics"]
    names = [f"{part}.state_features=8" for part in parts]
    names += ["dynamics.hidden_features=8", "renderer.hidden_features=8", f"representation.stack={stack}"]
    names += ["frames.size=[64, 80]", "dynamics.size=[8, 10]", "train.batch_size=2", "schedule.length_start=4"]
    return breakout().override([*names, *more])


def model_of(config: PlayableConfig) -> PlayableModel:
    torch.manual_seed(0)
    model = PlayableModel(config)
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            assert norm.running_var is not None
            norm.running_var.fill_(0.1)  # as if trained: each norm passes its input on in full
    return model.eval()


def clips(rows: int, length: int, *, stack: int = 2) -> torch.Tensor:
    return stack_frames(torch.rand(rows, length, 3, 64, 80, generator=torch.Generator().manual_seed(1)), stack)


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (1, 64, 80, 3), dtype=np.uint8)


def test_games_of_one_model_are_apart_and_repeatable():
    pipeline = PlayablePipeline(model_of(tiny()))
    first, second = pipeline.start(picture(0)), pipeline.start(picture(1))
    shown: dict[str, list[np.ndarray]] = {"first": [], "second": [], "alone": []}
    for action in (0, 2, 1):
        frame, first = pipeline.step(first, action)
        shown["first"].append(frame)
        frame, second = pipeline.step(second, 2 - action)
        shown["second"].append(frame)
    again = pipeline.start(picture(0))
    for action in (0, 2, 1):
        frame, again = pipeline.step(again, action)
        shown["alone"].append(frame)
    assert all(np.array_equal(a, b) for a, b in zip(shown["first"], shown["alone"], strict=True))
    assert not np.array_equal(shown["first"][-1], shown["second"][-1])
    assert frame.shape == (64, 80, 3) and frame.dtype == np.uint8


def test_a_step_leaves_the_game_before_it_as_it_was():
    pipeline = PlayablePipeline(model_of(tiny()))
    game = pipeline.start(np.concatenate([picture(0), picture(1)]))
    frames = [pipeline.step(game, action)[0] for action in (0, 1, 0)]
    assert np.array_equal(frames[0], frames[2])
    with pytest.raises(InputError, match="action 3 is unknown; accepted: 0 to 2"):
        pipeline.step(game, 3)
    with pytest.raises(InputError, match="at least one"):
        pipeline.start(picture(0)[0])


def test_pictures_of_other_sizes_and_past_frames_start_a_game():
    pipeline = PlayablePipeline(model_of(tiny()))
    large = np.zeros((3, 128, 100, 3), dtype=np.uint8)
    large[-1] = 255
    game = pipeline.start(large)
    assert game.observation.shape == (1, 6, 64, 80)
    assert game.observation[0, :3].min() == 1 and game.observation[0, 3:].max() == 0


@pytest.mark.parametrize("stack", [1, 2])
@pytest.mark.parametrize("settings", [(), ("variations=false",)])
def test_a_warm_start_is_what_training_does_with_true_observations(stack: int, settings: tuple[str, ...]):
    config = tiny(*settings, stack=stack)
    model = model_of(config)
    frames = np.concatenate([picture(seed) for seed in range(5)])
    shown, _ = PlayablePipeline(model).step(PlayablePipeline(model).start(frames), 2)
    clip = torch.from_numpy(frames).movedim(-1, 1)[None] / 255
    whole = stack_frames(clip, stack)[:, stack - 1 :]  # observations that need nothing from before the clip
    with torch.no_grad():
        seen = model.recognise(whole)
        actions = torch.nn.functional.one_hot(seen.logits.argmax(dim=-1), 3).float()
        variations = model.centroids.variations(seen.direction, actions) * config.variations
        actions = torch.cat([actions, torch.tensor([[[0.0, 0, 1]]])], dim=1)
        variations = torch.cat([variations, torch.zeros(1, 1, 1)], dim=1)
        made = unroll(model, whole, model.encode(whole), actions, variations, num_real=whole.shape[1])
    assert np.abs(shown - (made.frames[0][0, -1].movedim(0, -1) * 255).numpy()).max() <= 0.51


def test_a_warm_game_remembers_and_a_cold_one_has_nothing_to_remember():
    pipeline = PlayablePipeline(model_of(tiny()))
    past = [np.concatenate([picture(seed), picture(7), picture(8)]) for seed in (0, 1)]
    first, second = (pipeline.step(pipeline.start(frames), 0)[0] for frames in past)
    assert not np.array_equal(first, second)
    cold = pipeline.start(past[0][1:])
    assert np.array_equal(pipeline.start(past[0]).observation, cold.observation)
    for kept, begun in zip(vars(cold.memory).values(), vars(pipeline.model.start(1)).values(), strict=True):
        assert torch.equal(kept.hidden, begun.hidden) and torch.equal(kept.cell, begun.cell)
    low = PlayablePipeline(model_of(tiny()), precision=torch.bfloat16)
    assert np.abs(low.step(low.start(past[0]), 0)[0].astype(int) - first).mean() < 8


def test_true_frames_are_fed_as_long_as_asked():
    config, observations = tiny(), clips(2, 5)
    model = model_of(config)
    noise = draw_noise(config, 2, 5, torch.Generator().manual_seed(2))
    with torch.no_grad():
        rollouts = {n: roll_out(model, observations, noise, num_real=n, temperature=0.5) for n in (1, 3, 5)}
        redrawn = reconstruct(model, torch.nn.Conv2d(8, 8, 3, padding=1), observations, noise, temperature=0.5)
    for number, rollout in rollouts.items():
        same = (rollout.generated_states.value == rollout.states.value).flatten(2).all(dim=-1)
        assert same[:, :number].all() and not same[:, number:].any()
        assert [tuple(level.shape) for level in rollout.frames] == [
            (2, 4, 3, 64, 80),
            (2, 4, 3, 32, 40),
            (2, 4, 3, 16, 20),
        ]
    torch.testing.assert_close(redrawn.hidden, rollouts[5].hidden)
    assert redrawn.frames[0].shape == (2, 5, 3, 64, 80)


def loop_of(config: PlayableConfig, features: Any = None) -> TrainingLoop:
    torch.manual_seed(0)
    training = PlayableTraining(config, features)
    accelerator = make_accelerator(device="cpu")
    loop = TrainingLoop(training, config.train, total_steps=99, config_json="{}", run=None, accelerator=accelerator)
    training.nets.train()
    return loop


NO_FEATURES = ("objective.pretraining.perceptual=[]", "objective.full.perceptual=[]")


def test_phases_follow_each_other_with_one_optimizer():
    loop = loop_of(tiny(*NO_FEATURES, "schedule.pretraining_steps=2"))
    layer = loop.system.nets["state_to_hidden"]
    names, weights = [], []
    for _ in range(4):
        names.append(loop.take_step(ClipBatch(clips(2, 6))).keys())
        weights.append(layer.weight.detach().clone())
    assert ["hidden" in each for each in names] == [True, True, False, False]
    assert not torch.equal(weights[0], weights[1]) and torch.equal(weights[1], weights[3])
    (optimizer,) = loop.optimizers.values()
    steps = {int(state["step"]) for state in optimizer.state.values()}
    assert steps == {2, 4} and optimizer.defaults["weight_decay"] == 1e-6


def test_only_scheduled_moments_are_learned_from():
    config = tiny(*NO_FEATURES, "schedule.pretraining_steps=0", "schedule.length_end=5", "schedule.length_steps=10")
    loop, seen = loop_of(config), []
    loop.system.model.renderer.register_forward_hook(lambda *_: seen.append(1))
    for _ in range(10):
        before = len(seen)
        loop.take_step(ClipBatch(clips(2, 6)))
    assert seen[:3] == [1] * 3 and len(seen) - before == 4 and before == 9 * 3


def test_places_are_certain_at_first():
    loop = loop_of(tiny(*NO_FEATURES, "schedule.pretraining_steps=1", "schedule.certain_steps=2"))
    seen = []
    loop.system.model.action_network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    for _ in range(3):
        loop.take_step(ClipBatch(clips(2, 4)))
    noisy = [bool(noise.states.any() and noise.directions.any()) for noise in seen]
    assert noisy == [False] * 4 + [True] * 2  # of true and of made frames, three steps
    assert not any(noise.states.any() or noise.directions.any() for noise in seen[:4])


def test_moving_pixels_and_maps_may_count_more():
    config = tiny(
        "objective.motion_bias=0.1", "objective.pretraining.perceptual=[1, 1]", "objective.full.perceptual=[1, 1]"
    )
    losses = loop_of(config, Vgg19Features(widths=(4,) * 13, depth=2)).take_step(ClipBatch(clips(2, 4)))
    assert losses.keys() == {"pixel", "perceptual", "state", "hidden", "direction_kl", "mutual_information"}
    assert all(value.isfinite() for value in losses.values())


def test_a_clip_is_learned():
    """A square that jumps left or right: the reconstruction falls far below its start."""
    generator = torch.Generator().manual_seed(0)
    frames = torch.full((4, 4, 3, 64, 80), 0.2)
    for row in range(4):
        column = 4
        for moment in range(4):
            frames[row, moment, :, 24:40, 8 * column : 8 * column + 16] = 0.9
            column += int(torch.randint(0, 2, (), generator=generator)) * 2 - 1
    settings = ("schedule.pretraining_steps=20", "schedule.real_end=1", "schedule.real_start=1")
    loop = loop_of(tiny(*NO_FEATURES, *settings, "objective.learning_rate=0.005", stack=1))
    pixels = [float(loop.take_step(ClipBatch(frames))["pixel"]) for _ in range(60)]
    assert np.mean(pixels[-5:]) < 0.25 * pixels[0]
    sheet = loop.system.sample_sheet(ClipBatch(frames))
    assert sheet.shape == (3, 3 * 64, 4 * 80) and 0 <= sheet.min() and sheet.max() <= 1


@pytest.mark.parametrize(("preset", "numbers"), [(bair, 9_856_367), (breakout, 3_138_659), (tennis, 9_517_999)])
def test_presets_are_as_large_as_published(preset, numbers):
    with torch.device("meta"):
        nets = PlayableTraining(preset().override(list(NO_FEATURES))).nets
    assert sum(p.numel() for p in nets.parameters()) + nets["centroids"].value.numel() == numbers


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("actions.num_actions=4", "num_actions must be the same in all parts, not actions 4, centroids "),
        ("dynamics.size=[8, 8]", "must be frames.size / 8"),
        ("frames.size=[72, 80]", "multiples of 16"),
        ("schedule.length_end=3", "must not be below schedule.length_start"),
        ("objective.full.perceptual=[1]", "must be equally long"),
    ],
)
def test_configs_that_do_not_fit_are_refused(assignment, message):
    with pytest.raises(InputError, match=message):
        tiny().override([assignment])


def test_frames_too_small_for_the_perceptual_network_play_but_do_not_learn():
    config = PlayableConfig.parse(
        breakout().model_dump() | {"frames": {"size": (48, 80)}, "dynamics": dict(SMALL)}, origin="test"
    )
    assert PlayableModel(config).eval()(torch.rand(1, 3, 48, 80), torch.tensor([[0]])).shape == (1, 1, 3, 48, 80)
    with pytest.raises(InputError, match="has no 5 maps"):
        PlayableTraining(config, Vgg19Features(widths=(4,) * 13))


SMALL = breakout().dynamics.model_dump() | {"size": (6, 10)}


UNSEEN = ("renderer.copies=true", "objective.unseen_share=1", "objective.unseen_below=0.9", "schedule.unseen_from=0")


@pytest.mark.parametrize("does", ["stop", "rest"])
def test_unseen_actions_lead_every_network_and_copies_are_compared(does: str):
    config = tiny(
        *NO_FEATURES,
        *UNSEEN,
        f"objective.unseen_does={does}",
        "schedule.pretraining_steps=0",
        "objective.motion_bias=1",
        stack=1,
    )
    loop = loop_of(config)
    batch = ClipBatch(clips(2, 4, stack=1))
    nets = loop.system.nets
    before = {name: value.clone() for name, value in nets.state_dict().items()}
    losses = loop.take_step(batch)
    assert {"seen_actions", "pixel"} <= set(losses)
    after = nets.state_dict()
    for part in ("seen_actions.first.weight", "renderer.composer.share.weight", "dynamics.fine.gates.weight"):
        assert part in before, [name for name in before if name.startswith(part.split(".")[0])][:9]
        assert not torch.equal(before[part], after[part]), part
    with pytest.raises(InputError, match=r"unseen_share must be 0 where representation\.stack"):
        tiny(*UNSEEN, stack=2)
