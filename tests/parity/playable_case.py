"""A CADDY fixture as our objects: config, networks, observations, noises, and our tensors under the authors' names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kinema.actions.action_network import ActionEstimate, ActionNoise
from kinema.ops.frame_stack import stack_frames
from kinema.systems.playable.config import PlayableConfig
from kinema.systems.playable.model import PlayableModel
from kinema.systems.playable.objective import PlayableTraining
from kinema.systems.playable.rollout import RolloutNoise
from kinema.weights.authors.playable import convert_playable_config, rename_playable

from .fixture import Case

STATE = "state_dict/"


def config_of(case: Case) -> PlayableConfig:
    return convert_playable_config(case.facts["config"])


def precision(case: Case) -> torch.dtype:
    """Of the case's networks; a loss is in float64 always."""
    return case[f"{STATE}centroid_estimator.estimated_centroids"].dtype


def state_of(case: Case) -> dict[str, Tensor]:
    """Their weights under our names."""
    return {name: value for name, (_, value) in rename_playable(case.below(STATE)).items()}


def model_of(case: Case) -> PlayableModel:
    """The networks in evaluation mode."""
    model = PlayableModel(config_of(case)).to(precision(case)).eval()
    names = model.state_dict().keys()
    model.load_state_dict({name: value for name, value in state_of(case).items() if name in names})
    return model


def fill(training: PlayableTraining, case: Case) -> None:
    """Gives the nets of a training the weights of a case; all of those have a place."""
    training.nets.to(precision(case))
    found = training.nets.load_state_dict(state_of(case), strict=False)
    assert not found.unexpected_keys and found.missing_keys == ["running_joint.value"]


def state_to_hidden(case: Case) -> nn.Module:
    """The layer that pretraining alone uses."""
    training = PlayableTraining(config_of(case).override(["objective.pretraining.perceptual=[]", _NO_FEATURES]))
    fill(training, case)
    return training.nets["state_to_hidden"]


_NO_FEATURES = "objective.full.perceptual=[]"


def observations_of(case: Case) -> Tensor:
    """(B, T, 3 S, H, W) in [0, 1]."""
    if "input/observations" in case:
        return (case["input/observations"] + 1) / 2
    frames = case["input/frames"] if "input/frames" in case else case["frames"]
    return stack_frames((frames + 1) / 2, config_of(case).representation.stack)


def noise_of(case: Case, group: str, prefix: str = "") -> ActionNoise:
    """The action network's noise of a group such as "eval_full/noise/"."""
    states, directions = case[f"{group}{prefix}eps_states"], case[f"{group}{prefix}eps_directions"]
    return ActionNoise(states.unflatten(0, (len(directions), -1)), directions)


def all_noise_of(case: Case, group: str) -> RolloutNoise:
    """Every noise of a step."""
    true = noise_of(case, group)
    uniform = case[f"{group}gumbel_U"].unflatten(0, true.directions.shape[:2])
    return RolloutNoise(true, uniform, noise_of(case, group, "rec_"))


def named_estimate(estimate: ActionEstimate, group: str, *, made: bool = False) -> dict[str, Tensor]:
    """Ours under their names of a group such as "eval_full/"."""
    start = "reconstructed_" if made else ""
    return {
        f"{group}{start}action_logits": estimate.logits,
        f"{group}{start}action_directions_distribution": torch.stack(
            [estimate.direction_mean, estimate.direction_variance], dim=2
        ),
        f"{group}{start}sampled_action_directions": estimate.direction,
        f"{group}{start}action_states_distribution": torch.stack([estimate.state_mean, estimate.state_variance], dim=2),
        f"{group}{start}sampled_action_states": estimate.state,
    }


def signed(frames: Tensor) -> Tensor:
    """Our [0, 1] as their [-1, 1]."""
    return 2 * frames - 1


_VIEWS = re.compile(r"(?:_?_b0|__every2px)+$")


def with_views(ours: Mapping[str, Tensor], case: Case) -> dict[str, Tensor]:
    """Ours, and the views of them that the fixture stores: its first row, every second pixel."""
    views = dict(ours)
    for name in case.tensors:
        whole = _VIEWS.sub("", name)
        if whole != name and whole in ours:
            value = ours[whole][:1] if "_b0" in name else ours[whole]
            views[name] = value[..., ::2, ::2] if "__every2px" in name else value
    return views


def under_their_names(case: Case, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by our names, such as gradients, as the authors' tensors that they are made of.

    The renaming moves numbers and changes none, so renaming their places tells where each number came from.
    """
    state = case.below(STATE)
    sizes = [value.numel() for value in state.values()]
    starts = torch.tensor([0, *sizes]).cumsum(0).tolist()
    places = {
        name: torch.arange(start, start + size).reshape(value.shape)
        for (name, value), start, size in zip(state.items(), starts, sizes, strict=False)
    }
    flat = torch.zeros(sum(sizes), dtype=precision(case))
    known = torch.zeros(sum(sizes), dtype=torch.bool)
    for name, (_, where) in rename_playable(places).items():
        if name in ours:
            flat[where.flatten()] = ours[name].detach().contiguous().flatten().to(flat.dtype)
            known[where.flatten()] = True
    parts = zip(state.items(), flat.split(sizes), known.split(sizes), strict=True)
    return {name: part.reshape(value.shape) for (name, value), part, here in parts if here.all() and here.numel()}


def covers(ours: Mapping[str, Any], case: Case, *groups: str, but: str = r"noise/|/eps_|/in_") -> None:
    """Asserts that every tensor of the groups has one of ours beside it, those that match ``but`` aside."""
    wanted = {name for name in case.tensors if name.startswith(groups) and not re.search(but, name)}
    assert wanted, f"{case.name} has nothing of {groups}"
    assert not wanted - ours.keys(), f"{case.name}: nothing compares {sorted(wanted - ours.keys())}"
