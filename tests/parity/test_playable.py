"""Our playable in evaluation against the authors' CADDY, whatever cases the folder holds."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from kinema.actions.representation import States
from kinema.ops.frame_stack import push_frame
from kinema.runtime.load import load as load_pipeline
from kinema.sequences.action_dynamics import DynamicsMemory
from kinema.systems.playable.model import PlayableModel
from kinema.systems.playable.pipeline import Game
from kinema.systems.playable.rollout import roll_out, unroll
from kinema.weights.authors.checkpoint import import_checkpoint

from .fixture import INFERENCE, Case, Measured, case_parameters, load, outputs_of
from .playable_case import (
    STATE,
    all_noise_of,
    config_of,
    covers,
    model_of,
    named_estimate,
    noise_of,
    observations_of,
    signed,
    state_to_hidden,
    with_views,
)

CASES = pytest.mark.parametrize("path", case_parameters("caddy/tiny_*.json"))


def memories(memory: DynamicsMemory, prefix: str) -> dict[str, Tensor]:
    layers = (memory.fine, memory.coarse, memory.last)
    hidden = {f"{prefix}h_{index}": layer.hidden for index, layer in enumerate(layers)}
    return hidden | {f"{prefix}c_{index}": layer.cell for index, layer in enumerate(layers)}


def probed_representation(case: Case, model: PlayableModel, observations: Tensor) -> dict[str, Tensor]:
    net, group = model.representation, "probe_eval/representation/"
    first = observations.flatten(0, 1)[: len(case[f"{group}state"])]
    with ExitStack() as stack:
        bn1 = stack.enter_context(outputs_of(net.norm))
        blocks = [stack.enter_context(outputs_of(block)) for block in net.blocks]
        states = net(first)
    ours = {f"{group}residual_{index}": seen[0] for index, seen in enumerate(blocks)}
    # Ours pools inside the convolution, so theirs before the pooling is made by itself here.
    whole = F.conv2d(signed(first), net.first.weight, padding=1)
    hidden = {"probe_eval/state_to_hidden_state": state_to_hidden(case)(net(observations[:, 0]).value)}
    return (
        ours
        | hidden
        | {
            f"{group}conv1": whole,
            f"{group}bn1": bn1[0],
            f"{group}state": states.value,
            f"{group}attention": states.attention,
        }
    )


def probed_actions(case: Case, model: PlayableModel, observations: Tensor) -> dict[str, Tensor]:
    net, group = model.action_network, "probe_eval/action/"
    layers = {"mean_fc": net.mean, "variance_fc_raw": net.variance, "final_fc": net.classify}
    layers |= {f"residual_{index}": block for index, block in enumerate(net.blocks)}
    with ExitStack() as stack:
        seen = {name: stack.enter_context(outputs_of(layer)) for name, layer in layers.items()}
        estimate = model.recognise(observations, noise_of(case, group))
    ours = {f"{group}{name}": values[0] for name, values in seen.items()}
    ours[f"{group}final_fc"] = ours[f"{group}final_fc"].flatten(0, 1)
    ours[f"{group}gap"] = ours[f"{group}residual_1"].mean(dim=(2, 3), keepdim=True)
    return ours | named_estimate(estimate, group)


def probed_dynamics(case: Case, model: PlayableModel) -> dict[str, Tensor]:
    net, ours = model.dynamics, dict[str, Tensor]()
    moments = sorted({name.split("/")[2] for name in case.tensors if name.startswith("probe_eval/dynamics/")}, key=int)
    memory = net.start(len(case[f"probe_eval/dynamics/{moments[0]}/in_state"]))
    for moment in moments:
        group = f"probe_eval/dynamics/{moment}/"
        with ExitStack() as stack:
            norms = [stack.enter_context(outputs_of(norm)) for norm in net.norms]
            out, memory = net(*(case[f"{group}in_{name}"] for name in ("state", "actions", "variations")), memory)
        ours |= {f"{group}recurrent_block_{index}": norms[2 * index][0] for index in range(3)}
        between = [F.leaky_relu(norms[2 * index + 1][0], 0.2) for index in range(3)]
        between[1] = F.interpolate(between[1], scale_factor=2, mode="bilinear", align_corners=False)
        ours |= {f"{group}non_recurrent_block_{index}": value for index, value in enumerate(between)}
        ours |= {f"{group}out": out, **memories(memory, group)}
    return ours


def probed_rendering(case: Case, model: PlayableModel) -> dict[str, Tensor]:
    group = "probe_eval/rendering/"
    with outputs_of(model.renderer.blocks[0]) as coarsest:
        made = model.renderer(case[f"{group}in_hidden"])
    assert torch.equal(model.renderer.finest(case[f"{group}in_hidden"]), made[0])
    ours = {f"{group}multires_{index}": signed(level) for index, level in enumerate(made)}
    return ours | {f"{group}upsample_0": coarsest[0]}


@torch.no_grad()
def probe_tensors(case: Case) -> dict[str, Tensor]:
    model, observations = model_of(case), observations_of(case)
    ours = probed_representation(case, model, observations) | probed_actions(case, model, observations)
    ours |= probed_dynamics(case, model) | probed_rendering(case, model)
    return with_views(ours, case)


@CASES
def test_every_layer(path: Path) -> None:
    case = load(path)
    measured = Measured(case, probe_tensors)
    covers(measured.ours, case, "probe_eval/")
    measured.check(INFERENCE)


@torch.no_grad()
def evaluation_tensors(case: Case) -> dict[str, Tensor]:
    model, observations, group = model_of(case), observations_of(case), "eval_full/"
    made = roll_out(
        model,
        observations,
        all_noise_of(case, f"{group}noise/"),
        num_real=case.facts["ground_truth_observations_init"],
        temperature=case.facts["gumbel_temperature_eval"],
    )
    ours = {f"{group}multires_{index}": signed(level) for index, level in enumerate(made.frames)}
    ours |= named_estimate(made.actions, group) | named_estimate(made.generated_actions, group, made=True)
    ours |= {
        f"{group}reconstructed_observations": ours[f"{group}multires_0"],
        f"{group}states": made.states.value,
        f"{group}attention": made.states.attention,
        f"{group}reconstructed_states": made.generated_states.value,
        f"{group}reconstructed_attention": made.generated_states.attention[:, 1:],
        f"{group}hidden_states": made.hidden,
        f"{group}action_samples": made.samples,
        f"{group}selected_actions": made.samples.argmax(dim=-1),
        f"{group}action_variations": made.variations,
    }
    return with_views(ours | given_actions(case, model, observations, made.states), case)


def given_actions(case: Case, model: PlayableModel, observations: Tensor, states: States) -> dict[str, Tensor]:
    """Clips made from one true frame: with the likeliest actions, and with the labels."""
    number = config_of(case).actions.num_actions
    seen = model.recognise(observations, noise_of(case, "eval_onehot_gt1/noise/")).logits.argmax(dim=-1)
    mapping = {int(label): action for label, action in case.facts["gt_action_mapping"].items()}
    labels = torch.tensor([[mapping.get(label, label) for label in row] for row in case["input/actions"].tolist()])
    ours = {}
    for group, chosen in (("eval_onehot_gt1/", seen), ("eval_gtactions_gt1/", labels[:, :-1])):
        actions = F.one_hot(chosen, number).to(observations)
        average = observations.new_zeros(*chosen.shape, config_of(case).actions.action_space)
        made = unroll(model, observations, states, actions, average, num_real=1)
        ours[f"{group}reconstructed_observations"] = signed(made.frames[0])
        ours |= {f"{group}action_samples": actions, f"{group}selected_actions": chosen}
        assert torch.allclose(model(observations[:, 0], chosen), made.frames[0], atol=1e-6)
    return ours


@CASES
def test_clips_with_recognised_and_given_actions(path: Path) -> None:
    case = load(path)
    measured = Measured(case, evaluation_tensors)
    covers(measured.ours, case, "eval_")
    measured.check(INFERENCE)


def cell(case: Case, fact: str) -> Tensor:
    """An observation (1, 3 S, H, W) that a fact such as "input/observations[B-1,-1]" names."""
    row, moment = case.facts[fact].split("[")[1].rstrip("]").split(",")
    observations = observations_of(case)
    row = len(observations) - 1 if row == "B-1" else int(row)
    return observations[row : row + 1, int(moment)]


@torch.no_grad()
def play_tensors(case: Case) -> dict[str, Tensor]:
    model, config, ours = model_of(case), config_of(case), dict[str, Tensor]()

    def play(group: str, observation: Tensor, turns: list[tuple[int, Tensor]]) -> None:
        memory, first, frames = model.start(1), observation[:, :3], []
        for chosen, variation in turns:
            action = F.one_hot(torch.tensor([chosen]), config.actions.num_actions).to(observation)
            frame, memory = model.step(observation, action, variation[None].to(observation), memory, first)
            observation = push_frame(observation, frame)
            frames.append(frame)
        ours[f"{group}/frames"] = signed(torch.cat(frames))
        # Of a lone frame the fixture keeps the topmost row.
        rows = case["rollout/last_observation"].shape[1] if config.representation.stack == 1 else None
        ours[f"{group}/last_observation"] = signed(observation[0])[:, :rows]

    actions, average = case.facts["rollout_actions"], torch.zeros(config.actions.action_space)
    play("rollout", cell(case, "rollout_start"), [(action, average) for action in actions])
    noises = case["rollout_noise/variations"]
    turns = list(zip(actions, noises, strict=False))
    play("rollout_noise", cell(case, "rollout_noise_start"), turns)
    facts = case.facts["interp"]
    between = [model.centroids.between(facts["first"], facts["second"], share) for share in facts["factors"]]
    play("rollout_interp", cell(case, "rollout_start"), between)
    return with_views(ours, case)


@CASES
def test_a_checkpoint_of_theirs_becomes_a_model_that_plays(path: Path, tmp_path: Path) -> None:
    case = load(path)
    # All that their training keeps, the optimizer's state included.
    parameters = [torch.nn.Parameter(value) for value in (torch.zeros(3), torch.ones(2, 2))]
    optimizer = torch.optim.Adam(parameters)
    sum(value.sum() for value in parameters).backward()  # type: ignore[union-attr]
    optimizer.step()
    held = {
        "model": case.below(STATE),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [300_000, 10**10]).state_dict(),
        "mi_estimator": {"matrix_estimator.estimated_matrix": torch.full((7, 7), 1 / 49)},
        "step": 300_000,
    }
    checkpoint, settings = tmp_path / "latest.pth.tar", tmp_path / "config.yaml"
    torch.save(held, checkpoint)
    settings.write_text(yaml.safe_dump(case.facts["config"]))
    made = import_checkpoint(checkpoint, settings, tmp_path / "model", system="playable")
    assert made.config == config_of(case)
    pipeline = load_pipeline(tmp_path / "model", device="cpu")
    frame = ((case["rollout/frames"][0] + 1) * 127.5).round()
    start = cell(case, "rollout_start")
    game = Game(start, pipeline.model.start(1), start[:, :3])
    shown, _ = pipeline.step(game, case.facts["rollout_actions"][0])
    assert (torch.from_numpy(shown).movedim(-1, 0) - frame).abs().max() <= 1


@CASES
def test_play(path: Path) -> None:
    case = load(path)
    measured = Measured(case, play_tensors)
    covers(measured.ours, case, "rollout", but="variations")
    measured.check(INFERENCE)
