"""Runs whole clips through the networks for training (CADDY, CVPR 2021, Sec. 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.actions.action_network import ActionEstimate, ActionNoise
from kinema.actions.representation import States
from kinema.actions.seen_actions import AssignedActions
from kinema.core.types import TensorGroup
from kinema.ops.frame_stack import push_frame, stack_frames
from kinema.synthesis.frame_composer import SeenFrames
from kinema.systems.playable.config import PlayableConfig
from kinema.systems.playable.model import PlayableModel


@dataclass(frozen=True)
class RolloutNoise(TensorGroup):
    """All random numbers of a step of training, in the order they are drawn.

    Attributes:
        true: for the action network on true frames.
        uniform: (B, T - 1, A) in [0, 1), for the choice of actions.
        made: for the action network on made frames.
    """

    true: ActionNoise
    uniform: Tensor
    made: ActionNoise

    def without_places(self) -> RolloutNoise:
        """The same choices among actions, but places in the action space are their means."""
        return RolloutNoise(self.true.map(torch.zeros_like), self.uniform, self.made.map(torch.zeros_like))


@dataclass(frozen=True)
class Rollout:
    """What the networks make of B clips.

    Attributes:
        states: (B, T, C, h, w) of the true observations.
        made_states: (B, T, C, h, w) of the made ones; where none is made yet, of the true ones.
        actions: seen in the true observations.
        made_actions: seen in the made ones.
        samples: (B, T - 1, A) of ``actions``, which the frames were made with.
        variations: (B, T - 1, d), the same.
        frames: (B, N, 3, H, W) made frames in [0, 1] at each resolution, the finest first, before them those with
            copies where the renderer copies; N is T - 1 where the first frame is given, or T.
        hidden: (B, T - 1, C', h, w), what the dynamics say comes next.
        encoded_hidden: (B, T, C', h, w), what each true state itself is drawn from, in pretraining.
    """

    states: States
    made_states: States
    actions: ActionEstimate
    made_actions: ActionEstimate
    samples: Tensor
    variations: Tensor
    frames: tuple[Tensor, ...]
    hidden: Tensor
    encoded_hidden: Tensor | None = None


def draw_noise(config: PlayableConfig, rows: int, length: int, generator: torch.Generator) -> RolloutNoise:
    """Random numbers for ``rows`` clips of ``length`` moments, in a fixed order: (B, T, d) and so on."""
    space, actions = config.actions.action_space, config.actions.num_actions

    def normal() -> ActionNoise:
        shapes = ((rows, length, space), (rows, length - 1, space))
        return ActionNoise(*(torch.randn(shape, generator=generator) for shape in shapes))

    true = normal()
    uniform = torch.rand(rows, length - 1, actions, generator=generator)
    return RolloutNoise(true, uniform, normal())


@dataclass(frozen=True)
class Unrolled:
    """Frames that follow from given actions.

    Attributes:
        states: (B, T, C, h, w): true ones as long as observations are fed, then those of made frames.
        frames: (B, T - 1, 3, H, W) in [0, 1] at each resolution, the finest first.
        hidden: (B, T - 1, C', h, w).
    """

    states: States
    frames: tuple[Tensor, ...]
    hidden: Tensor


def unroll(
    model: PlayableModel,
    observations: Tensor,
    states: States,
    actions: Tensor,
    variations: Tensor,
    *,
    num_real: int,
) -> Unrolled:
    """Makes the frames of clips one after the other.

    Args:
        model: the networks.
        observations: (B, T, 3 S, H, W) in [0, 1].
        states: of all of them.
        actions: (B, T - 1, A).
        variations: (B, T - 1, d).
        num_real: true observations that are fed at first, 1 to T; after them its own frames are.

    Returns:
        B rows.
    """
    memory = model.start(len(observations), (observations.shape[3], observations.shape[4]))
    observation, first = observations[:, 0], observations[:, 0, :3]
    fed, hiddens, pictures = [states[:, 0]], [], []
    for moment in range(actions.shape[1]):
        hidden, memory = model.dynamics(fed[-1].value, actions[:, moment], variations[:, moment], memory)
        made = model.renderer(hidden, SeenFrames(first, observation[:, :3]))
        hiddens.append(hidden)
        pictures.append(made)
        if moment + 1 < num_real:
            observation = observations[:, moment + 1]
            fed.append(states[:, moment + 1])
        else:
            observation = push_frame(observation, made[0])
            fed.append(model.representation(observation))
    frames = tuple(torch.stack(level, dim=1) for level in zip(*pictures, strict=True))
    return Unrolled(stack_states(fed), frames, torch.stack(hiddens, dim=1))


def stack_states(moments: Sequence[States]) -> States:
    """The states (B, C, h, w) of T moments as (B, T, C, h, w)."""
    values, attentions = zip(*((moment.value, moment.attention) for moment in moments), strict=True)
    return States(torch.stack(values, dim=1), torch.stack(attentions, dim=1))


def roll_out(
    model: PlayableModel,
    observations: Tensor,
    noise: RolloutNoise,
    *,
    num_real: int,
    temperature: float,
    told: AssignedActions | None = None,
) -> Rollout:
    """Makes the frames of clips from their first ones and the actions seen in them.

    In training mode the centroids move first, so call it once a step.

    Args:
        model: the networks.
        observations: (B, T, 3 S, H, W) in [0, 1].
        noise: for B clips of T moments.
        num_real: true observations that are fed at first, 1 to T.
        temperature: of the choice among actions.
        told: actions that are assigned instead of recognised; the observations already follow its time steps.

    Returns:
        Of B clips.
    """
    states, actions, samples, variations = _see(model, observations, noise, temperature)
    if told is not None:
        is_told = told.assigned.unsqueeze(-1)
        samples = torch.where(is_told, F.one_hot(told.actions, samples.shape[-1]).to(samples), samples)
        variations = variations * ~is_told
    made = unroll(model, observations, states, samples, variations, num_real=num_real)
    made_actions = model.action_network(made.states, noise.made)
    return Rollout(states, made.states, actions, made_actions, samples, variations, made.frames, made.hidden)


def redraw(
    model: PlayableModel, state_to_hidden: nn.Module, observations: Tensor, noise: RolloutNoise, *, temperature: float
) -> Rollout:
    """Draws each frame from its own state, and follows the states with the dynamics: what pretraining compares.

    Args:
        model: the networks.
        state_to_hidden: (B, C, h, w) of a state to (B, C', h, w) of what it is drawn from.
        observations: (B, T, 3 S, H, W) in [0, 1].
        noise: for B clips of T moments.
        temperature: of the choice among actions.

    Returns:
        Of B clips.
    """
    states, actions, samples, variations = _see(model, observations, noise, temperature)
    rows = observations.shape[:2]
    encoded = state_to_hidden(states.value.flatten(0, 1))  # (B * T, C', h, w)
    frames = tuple(level.unflatten(0, rows) for level in model.renderer(encoded))
    memory = model.start(len(observations), (observations.shape[3], observations.shape[4]))
    hiddens = []
    for moment in range(samples.shape[1]):
        hidden, memory = model.dynamics(states.value[:, moment], samples[:, moment], variations[:, moment], memory)
        hiddens.append(hidden)
    made_states = model.encode(stack_frames(frames[0], model.config.representation.stack))
    made_actions = model.action_network(made_states, noise.made)
    hidden = torch.stack(hiddens, dim=1)
    encoded = encoded.unflatten(0, rows)
    return Rollout(states, made_states, actions, made_actions, samples, variations, frames, hidden, encoded)


def _see(
    model: PlayableModel, observations: Tensor, noise: RolloutNoise, temperature: float
) -> tuple[States, ActionEstimate, Tensor, Tensor]:
    """States, the actions between them, samples (B, T - 1, A) and variations (B, T - 1, d)."""
    states = model.encode(observations)
    actions = model.action_network(states, noise.true)
    if model.training:
        model.centroids.update(actions.direction_mean, torch.softmax(actions.logits, dim=-1))
    return states, actions, *model.choose(actions, noise.uniform, temperature=temperature)
