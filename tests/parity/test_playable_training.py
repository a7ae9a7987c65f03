"""Both phases of our playable's training against the authors' CADDY, whatever cases the folder holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.blocks.vgg import Vgg19Features
from kinema.data.samples.batches import ClipBatch
from kinema.losses.distributions import entropy, entropy_of_logits, kl_from_standard_normal, kl_of_means
from kinema.losses.multi_resolution import feature_distances, pixel_distances
from kinema.systems.playable.objective import PlayableTraining
from kinema.systems.playable.rollout import Rollout
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.train.phases import Turn

from .fixture import GRADIENT, INFERENCE, LOSS, NOISE, Case, Measured, case_parameters, load
from .playable_case import (
    all_noise_of,
    config_of,
    covers,
    fill,
    named_estimate,
    observations_of,
    precision,
    signed,
    under_their_names,
    with_views,
)

CASES = pytest.mark.parametrize("path", case_parameters("caddy/tiny_*.json"))
PHASES = pytest.mark.parametrize("phase", ["pretrain", "full"])
# Their names of the losses that ours are called by.
COMPONENTS = {
    "pixel": "observations_rec",
    "perceptual": "perceptual_loss",
    "state": "states_rec",
    "hidden": "hidden_states_rec",
    "entropy": "entropy",
    "direction_kl": "action_directions_kl_divergence",
    "mutual_information": "action_mutual_information",
    "state_kl": "action_state_distribution_kl",
}


@dataclass
class GivenTurn(Turn):
    """A step whose random numbers are given."""

    given: Any = None

    def draw(self, rows: int, make: Any) -> Any:
        return self.given


@dataclass(frozen=True)
class Step:
    """One step of training."""

    training: PlayableTraining
    losses: dict[str, Tensor]
    rollout: Rollout


def take_step(case: Case, phase: str) -> Step:
    """The step of a phase, its optimizer's included; gradients stay where they are."""
    config = config_of(case)
    config = config.override(["train.channels_last=false"])
    features = Vgg19Features.from_state(case.below("vgg_stub/")).to(precision(case))
    training = PlayableTraining(config, features)
    fill(training, case)
    accelerator = make_accelerator(device="cpu")
    loop = TrainingLoop(training, config.train, total_steps=9, config_json="{}", run=None, accelerator=accelerator)
    training.nets.train()
    step = case.facts["losses"][phase]["global_step"]
    turn = GivenTurn(step - 1, torch.Generator(), given=all_noise_of(case, f"train_{phase}/noise/"))
    # Their test steps are not where their schedule would put the phases.
    chosen = next(each for each in loop.phases if each.name == {"pretrain": "pretrain", "full": "play"}[phase])
    losses = loop._take_turn(chosen, ClipBatch(observations_of(case)), turn, 1.0)
    return Step(training, losses, turn.shared["rollout"])


def made_tensors(step: Step, group: str, phase: str) -> dict[str, Tensor]:
    made = step.rollout
    ours = {f"{group}multires_{index}": signed(level) for index, level in enumerate(made.frames)}
    ours |= named_estimate(made.actions, group) | named_estimate(made.generated_actions, group, made=True)
    ours |= {
        f"{group}states": made.states.value,
        f"{group}attention": made.states.attention,
        f"{group}reconstructed_states": made.generated_states.value,
        f"{group}hidden_states": made.hidden,
        f"{group}action_samples": made.samples,
        f"{group}selected_actions": made.samples.argmax(dim=-1),
        f"{group}action_variations": made.variations,
        f"{group}centroids_after": step.training.model.centroids.value,
        f"{group}mi_matrix_after": step.training.nets["running_joint"].value,
        f"{group}total_loss": torch.stack(list(step.losses.values())).sum()[None],
    }
    if phase == "full":
        ours[f"{group}reconstructed_attention"] = made.generated_states.attention[:, 1:]
    if made.encoded_hidden is not None:
        ours[f"{group}reconstructed_hidden_states"] = made.encoded_hidden
    return {name: value.detach() for name, value in ours.items()}


def learned_tensors(step: Step, case: Case, group: str) -> dict[str, Tensor]:
    """Gradients, their norms and sums, and the weights after the step, by the authors' names."""
    parameters = dict(step.training.nets.named_parameters())
    gradients = {name: p.grad for name, p in parameters.items() if p.grad is not None}
    ours = {f"{group}grad/{name}": value for name, value in under_their_names(case, gradients).items()}
    state = under_their_names(case, step.training.nets.state_dict())
    return ours | {f"{group}after_adam/{name}": value for name, value in state.items()}


def step_tensors(phase: str, case: Case) -> dict[str, Tensor]:
    """Everything that a step makes."""
    step, group = take_step(case, phase), f"train_{phase}/"
    ours = made_tensors(step, group, phase) | learned_tensors(step, case, group)
    gradients = {name: value for name, value in ours.items() if name.startswith(f"{group}grad/")}
    ours |= {f"norm/{name.removeprefix(f'{group}grad/')}": value.norm()[None] for name, value in gradients.items()}
    ours |= {f"loss/{name}": value for name, value in step.losses.items()}
    ours |= {f"noted/{name}": value for name, value in noted_values(step, case).items()}
    return with_views(ours, case)


@cache
def measured_step(path: Path, phase: str) -> Measured:
    """One for all tests of a case and phase."""
    return Measured(load(path), lambda case: step_tensors(phase, case))


def noted_values(step: Step, case: Case) -> dict[str, Tensor]:
    """What their log says besides, by their names."""
    made, training, config = step.rollout, step.training, config_of(case)
    true, remade = made.actions, made.generated_actions
    real = observations_of(case)[:, -made.frames[0].shape[1] :, :3].flatten(0, 1)
    frames = [level.flatten(0, 1) for level in made.frames]
    noted: dict[str, Tensor] = {}
    pixels = 2 * pixel_distances(frames, real)
    maps = [
        feature_distances(training._maps, frames, real, [float(place == index) for place in range(5)])
        for index in range(5)
    ]
    for level in range(len(frames)):
        noted[f"observations_rec_loss_r{level}"] = pixels[level]
        total = torch.stack([values[level] for values in maps]).sum()
        # The sum of the maps lands in the first of them.
        noted |= {f"perceptual_loss_r{level}": total, f"perceptual_loss_r{level}_l0": total}
        noted |= {f"perceptual_loss_r{level}_l{index}": maps[index][level] for index in range(1, 5)}
    noted |= {
        "avg_observations_rec_loss": pixels.mean(),
        "avg_perceptual_loss": torch.stack(maps).sum(dim=0).mean(),
        "states_rec_loss": F.mse_loss(made.generated_states.value, made.states.value),
        "entropy_loss": entropy_of_logits(true.logits),
        "samples_entropy": entropy(made.samples),
        "action_distribution_entropy": entropy(made.samples.mean(dim=(0, 1))),
        "action_directions_kl_loss": kl_from_standard_normal(true.direction_mean, true.direction_variance),
        "reconstructed_action_directions_kl_loss": kl_from_standard_normal(
            remade.direction_mean, remade.direction_variance
        ),
        "action_state_distribution_kl_loss": kl_of_means(
            remade.state_mean, remade.state_variance, true.state_mean, true.state_variance
        ),
        "average_centroids_distance": training.model.centroids.mean_distance(),
        "average_action_variations_norm_l2": made.variations.norm(dim=-1).mean(),
        "action_variations_mean": made.variations.mean(),
        "states_magnitude": made.states.value.abs().mean(),
        "hidden_states_magnitude": made.hidden.abs().mean(),
    }
    if made.encoded_hidden is not None:
        noted["hidden_states_rec_loss"] = F.mse_loss(made.hidden, made.encoded_hidden[:, 1:])
    weight = config.objective.full.mutual_information
    if weight:
        noted["action_mutual_information_loss"] = step.losses["mutual_information"] / weight
    return {name: value.detach() for name, value in noted.items()}


@CASES
@PHASES
def test_a_step_of_training(path: Path, phase: str) -> None:
    measured, group = measured_step(path, phase), f"train_{phase}/"
    case = measured.case
    aside = r"noise/|/grad/|after_adam/|total_loss"
    # The average of actions that go together is kept only where the mutual information is smoothed.
    covers(measured.ours, case, group, but=aside)
    tensors = {
        name: value for name, value in case.below(group).items() if not name.startswith(("grad/", "after_adam/"))
    }
    measured.check(INFERENCE, expected={group + name: value for name, value in tensors.items() if name != "total_loss"})
    measured.check(LOSS, relative=True, expected={f"{group}total_loss": case[f"{group}total_loss"]})


@CASES
@PHASES
def test_losses_and_schedules(path: Path, phase: str) -> None:
    measured = measured_step(path, phase)
    facts, config = measured.case.facts["losses"][phase], config_of(measured.case)
    weights = config.objective.pretraining if phase == "pretrain" else config.objective.full
    used = {name for name in COMPONENTS if name == "perceptual" or getattr(weights, name)}
    assert {name.removeprefix("loss/") for name in measured.ours if name.startswith("loss/")} == used
    theirs = {f"loss/{name}": facts[f"loss_component_{theirs}"] for name, theirs in COMPONENTS.items() if name in used}
    theirs |= {name: facts[name.removeprefix("noted/")] for name in measured.ours if name.startswith("noted/")}
    assert len(theirs) > 30
    expected = {name: torch.tensor(value, dtype=torch.float64) for name, value in theirs.items()}
    for name, value in expected.items():
        measured.check(LOSS, relative=True, expected={name: value})
        # Relative to small values too, such as a divergence of 1e-5. In the mutual information entropies of about 1
        # cancel.
        cancelled = torch.finfo(torch.float32).eps if "mutual_information" in name else 0.0
        allowed = 2e-3 * abs(value.item()) + 1e-9 + cancelled
        if measured.difference(name, value) > allowed:
            allowed += 3 * measured.rounding(NOISE)[name]
        measured.assert_within(name, value, allowed)
    step = facts["global_step"]
    assert config.schedule.temperature(step) == pytest.approx(facts["gumbel_temperature"], abs=1e-9)
    assert min(config.schedule.real_frames(step), facts["observations_count"] - 1) == facts["ground_truth_observations"]


@CASES
@PHASES
def test_gradients(path: Path, phase: str) -> None:
    measured, group = measured_step(path, phase), f"train_{phase}/"
    case, ours = measured.case, measured.ours
    stored = {name: value for name, value in case.tensors.items() if name.startswith(f"{group}grad/")}
    facts = case.facts[f"grad_norm_sum_{phase}"]
    # The layer of pretraining has none later.
    assert {name for name, values in facts.items() if values is None} == {
        name for name in facts if f"{group}grad/{name}" not in ours
    }
    facts = {name: values for name, values in facts.items() if values is not None}
    norms = {f"norm/{name}": torch.tensor([norm], dtype=torch.float64) for name, (norm, _) in facts.items()}
    measured.check_gradients(GRADIENT, stored)
    measured.check_gradients(GRADIENT, norms)
    for name, (norm, total) in facts.items():
        gradient = ours[f"{group}grad/{name}"]
        spread = max(norm, 1e-4) * gradient.numel() ** 0.5
        assert abs(gradient.sum().item() - total) <= 1e-2 * spread, name


@CASES
@PHASES
def test_weights_after_a_step(path: Path, phase: str) -> None:
    measured, group = measured_step(path, phase), f"train_{phase}/"
    case, ours = measured.case, measured.ours
    rate = config_of(case).objective.learning_rate
    theirs = {name: value for name, value in case.tensors.items() if name.startswith(f"{group}after_adam/")}
    assert theirs and theirs.keys() <= ours.keys()
    gradients = {name: value.abs() for name, value in ours.items() if name.startswith(f"{group}grad/")}
    largest = max(float(value.max()) for value in gradients.values())
    for name, value in theirs.items():
        difference = (ours[name].double() - value.double()).abs()
        if "running_" in name:
            assert difference.max() <= 1e-4 * value.abs().max().clamp_min(1e-2), name
        else:
            # Adam's first step is as long as the rate whatever the gradient: where that is no more than the rounding of
            # sums as large as the largest, its sign is chance, and the step may go either way.
            assert difference.max() <= 2.1 * rate, name
            gradient = gradients.get(name.replace("after_adam/", "grad/"))
            if gradient is None:
                assert difference.max() <= 1e-6, name
                continue
            told = gradient > GRADIENT * float(gradient.max()) + 1e-5 * largest
            assert not told.any() or difference[told].mean() <= 0.02 * rate, name
