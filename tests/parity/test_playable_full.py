"""Our playable at full width against the authors' CADDY, whose weights a recipe makes; and their checkpoints' keys."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.ops.frame_stack import push_frame, stack_frames
from kinema.systems.playable.config import PlayableConfig
from kinema.systems.playable.model import PlayableModel
from kinema.systems.playable.objective import PlayableTraining
from kinema.weights.authors.playable import convert_playable_config, rename_playable

from .fixture import INFERENCE, Case, Measured, case_parameters, load
from .playable_case import named_estimate, noise_of, signed

CASES = pytest.mark.parametrize("path", case_parameters("caddy/full_*.json"))


def evenly(name: str, count: int, seed: int) -> np.ndarray:
    """(count,) numbers in [-1, 1) that depend on name and seed alone: weight_recipe of parity/README.md."""
    start = (zlib.crc32(name.encode()) << 32) ^ (seed * 2654435761 % 2**32)
    with np.errstate(over="ignore"):
        z = np.uint64(start) + np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**24 * 2 - 1


def weight(name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    u = torch.from_numpy(evenly(name, math.prod(shape), seed).reshape(shape))
    if name.endswith("running_var"):
        u = 1 + 0.25 * u
    elif name.endswith("running_mean"):
        u = 0.1 * u
    elif "initial_hidden" in name:
        u = 0.3 * u
    elif len(shape) > 1:
        u = u * 1.2 * math.sqrt(3 / math.prod(shape[1:]))
    elif name.endswith("weight"):
        u = 1 + 0.2 * u
    else:
        u = 0.1 * u
    return u.float()


def small_state(case: Case, config: PlayableConfig) -> dict[str, Tensor]:
    """Their weights at the case's frame size, under their names."""
    state, (height, width) = {}, config.dynamics.size
    for name, shape in case.facts["real_checkpoint_keys"].items():
        if "initial_hidden" in name:
            shape = (shape[0], height // 2, width // 2) if "blocks.1." in name else (shape[0], height, width)
        state[name] = weight(name, tuple(shape), case.facts["seed"])
    return state


@CASES
def test_the_recipe_makes_their_weights(path: Path) -> None:
    case = load(path)
    state = small_state(case, convert_playable_config(case.facts["config"]))
    for name, (total, size) in case.facts["recipe_checks"].items():
        value = state[name].double()
        assert value.sum().item() == pytest.approx(total, abs=1e-4 * max(1.0, size)), name
        assert value.abs().sum().item() == pytest.approx(size, rel=1e-5, abs=1e-6), name


def full_tensors(case: Case) -> dict[str, Tensor]:
    config = convert_playable_config(case.facts["config"])
    frames = case["frames"]
    model = PlayableModel(config).to(frames.dtype).eval()
    weights = {name: value for name, (_, value) in rename_playable(small_state(case, config)).items()}
    model.load_state_dict({name: value for name, value in weights.items() if not name.startswith("state_to_hidden")})
    observations = stack_frames((frames + 1) / 2, case.facts["observation_stacking"])
    with torch.no_grad():
        states = model.encode(observations)
        ours = {"state": states.value.flatten(0, 1), "attention": states.attention.flatten(0, 1)}
        ours |= named_estimate(model.action_network(states, noise_of(case, "")), "")
        assert case.facts["rollout_start"] == "observation 0"
        observation, memory, made = observations[:1, 0], model.start(1), []
        for chosen in case.facts["rollout_actions"]:
            action = F.one_hot(torch.tensor([chosen]), config.actions.num_actions).to(frames.dtype)
            average = frames.new_zeros(1, config.actions.action_space)
            frame, memory = model.step(observation, action, average, memory, observations[:1, 0, :3])
            observation = push_frame(observation, frame)
            made.append(frame)
    ours["rollout_frames"] = signed(torch.cat(made))
    for index, layer in enumerate((memory.fine, memory.coarse, memory.last)):
        ours |= {f"final_h_{index}": layer.hidden, f"final_c_{index}": layer.cell}
    return ours


@CASES
def test_full_width(path: Path) -> None:
    case = load(path)
    measured = Measured(case, full_tensors)
    assert set(case.tensors) - measured.ours.keys() <= {"frames", "eps_states", "eps_directions"}
    measured.check(INFERENCE)


@CASES
def test_a_published_checkpoint_fits(path: Path) -> None:
    facts = load(path).facts
    keys, values = facts["real_checkpoint_keys"], dict(facts["config"])
    # The case's own frames are small; those of the checkpoint are what its memories say.
    height, width = next(shape for name, shape in keys.items() if "blocks.0.0.initial_hidden_state" in name)[1:]
    states = values["model"]["representation_network"]
    states |= {"state_resolution": [height, width], "target_input_size": [8 * width, 8 * height]}
    config = convert_playable_config(values)
    with torch.device("meta"):
        net = PlayableTraining(config.override(_NO_FEATURES)).nets
        renamed = rename_playable({name: torch.zeros(shape) for name, shape in keys.items()})
    wanted = {name: value.shape for name, value in net.state_dict().items() if name != "running_joint.value"}
    assert {name: value.shape for name, (_, value) in renamed.items()} == wanted
    numbers = [p.numel() for name, p in net.named_parameters()] + [net["centroids"].value.numel()]
    assert sum(numbers) == facts["params_real"]


_NO_FEATURES = ["objective.pretraining.perceptual=[]", "objective.full.perceptual=[]"]
