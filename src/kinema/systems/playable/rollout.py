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
    """All random numbers of a training step, in the order in which they are drawn.

    Attributes:
        true: for the action network on true frames.
        uniform: (B, T - 1, A) in [0, 1), for the choice of actions.
        generated: for the action network on generated frames.
    """

    true: ActionNoise
    uniform: Tensor
    generated: ActionNoise

    def with_mean_positions(self) -> RolloutNoise:
        """The same choices among actions, but without noise on the positions in the action space."""
        return RolloutNoise(self.true.map(torch.zeros_like), self.uniform, self.generated.map(torch.zeros_like))


@dataclass(frozen=True)
class Rollout:
    """The output of the networks for B clips.

    Attributes:
        states: (B, T, C, h, w) of the true observations.
        generated_states: (B, T, C, h, w) of the generated observations; of the true ones where none is generated yet.
        actions: recognised in the true observations.
        generated_actions: recognised in the generated observations.
        samples: (B, T - 1, A) of ``actions``, which the frames were generated with.
        variations: (B, T - 1, d), the same.
        frames: (B, N, 3, H, W) generated frames in [0, 1] at each resolution, the finest first. A renderer that copies
            pixels has its composed frames before these. N is T - 1 if the first frame is given, otherwise T.
        hidden: (B, T - 1, C', h, w), the prediction of the dynamics for the next time step.
        encoded_hidden: (B, T, C', h, w), computed from each true state itself; in pretraining only.
    """

    states: States
    generated_states: States
    actions: ActionEstimate
    generated_actions: ActionEstimate
    samples: Tensor
    variations: Tensor
    frames: tuple[Tensor, ...]
    hidden: Tensor
    encoded_hidden: Tensor | None = None


def draw_noise(config: PlayableConfig, rows: int, length: int, generator: torch.Generator) -> RolloutNoise:
    """Random numbers for ``rows`` clips of ``length`` time steps, in a fixed order: (B, T, d) and so on."""
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
        states: (B, T, C, h, w): of the true observations as long as these are the input, then of the generated frames.
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
    """Generates the frames of clips one after the other.

    Args:
        model: the networks.
        observations: (B, T, 3 S, H, W) in [0, 1].
        states: of all of them.
        actions: (B, T - 1, A).
        variations: (B, T - 1, d).
        num_real: number of true observations that are the input at first, 1 to T; after them its own frames are.

    Returns:
        B rows.
    """
    memory = model.start(len(observations), (observations.shape[3], observations.shape[4]))
    observation, first = observations[:, 0], observations[:, 0, :3]
    fed, hiddens, pictures = [states[:, 0]], [], []
    for t in range(actions.shape[1]):
        hidden, memory = model.dynamics(fed[-1].value, actions[:, t], variations[:, t], memory)
        generated = model.renderer(hidden, SeenFrames(first, observation[:, :3]))
        hiddens.append(hidden)
        pictures.append(generated)
        if t + 1 < num_real:
            observation = observations[:, t + 1]
            fed.append(states[:, t + 1])
        else:
            observation = push_frame(observation, generated[0])
            fed.append(model.representation(observation))
    frames = tuple(torch.stack(level, dim=1) for level in zip(*pictures, strict=True))
    return Unrolled(stack_states(fed), frames, torch.stack(hiddens, dim=1))


def stack_states(time_steps: Sequence[States]) -> States:
    """Stacks the states (B, C, h, w) of T time steps to (B, T, C, h, w)."""
    values, attentions = zip(*((states.value, states.attention) for states in time_steps), strict=True)
    return States(torch.stack(values, dim=1), torch.stack(attentions, dim=1))


def roll_out(
    model: PlayableModel,
    observations: Tensor,
    noise: RolloutNoise,
    *,
    num_real: int,
    temperature: float,
    inserted: AssignedActions | None = None,
) -> Rollout:
    """Generates the frames of clips from their first ones and the actions recognised in them.

    In training mode the centroids are updated first, so it must be called once per training step.

    Args:
        model: the networks.
        observations: (B, T, 3 S, H, W) in [0, 1].
        noise: for B clips of T time steps.
        num_real: number of true observations that are the input at first, 1 to T.
        temperature: of the choice among actions.
        inserted: steps whose action is given instead of recognised; the observations already follow them.

    Returns:
        The output for B clips.
    """
    states, actions, samples, variations = _see(model, observations, noise, temperature)
    if inserted is not None:
        is_inserted = inserted.assigned.unsqueeze(-1)
        samples = torch.where(is_inserted, F.one_hot(inserted.actions, samples.shape[-1]).to(samples), samples)
        variations = variations * ~is_inserted
    generated = unroll(model, observations, states, samples, variations, num_real=num_real)
    generated_actions = model.action_network(generated.states, noise.generated)
    return Rollout(
        states, generated.states, actions, generated_actions, samples, variations, generated.frames, generated.hidden
    )


def reconstruct(
    model: PlayableModel, state_to_hidden: nn.Module, observations: Tensor, noise: RolloutNoise, *, temperature: float
) -> Rollout:
    """Renders each frame from its own state, and predicts the states with the dynamics, for pretraining.

    Args:
        model: the networks.
        state_to_hidden: (B, C, h, w) of a state to (B, C', h, w), the input of the renderer.
        observations: (B, T, 3 S, H, W) in [0, 1].
        noise: for B clips of T time steps.
        temperature: of the choice among actions.

    Returns:
        The output for B clips.
    """
    states, actions, samples, variations = _see(model, observations, noise, temperature)
    rows = observations.shape[:2]
    encoded = state_to_hidden(states.value.flatten(0, 1))  # (B * T, C', h, w)
    frames = tuple(level.unflatten(0, rows) for level in model.renderer(encoded))
    memory = model.start(len(observations), (observations.shape[3], observations.shape[4]))
    hiddens = []
    for t in range(samples.shape[1]):
        hidden, memory = model.dynamics(states.value[:, t], samples[:, t], variations[:, t], memory)
        hiddens.append(hidden)
    generated_states = model.encode(stack_frames(frames[0], model.config.representation.stack))
    generated_actions = model.action_network(generated_states, noise.generated)
    hidden = torch.stack(hiddens, dim=1)
    encoded = encoded.unflatten(0, rows)
    return Rollout(states, generated_states, actions, generated_actions, samples, variations, frames, hidden, encoded)


def _see(
    model: PlayableModel, observations: Tensor, noise: RolloutNoise, temperature: float
) -> tuple[States, ActionEstimate, Tensor, Tensor]:
    """States, the recognised actions between them, samples (B, T - 1, A) and variations (B, T - 1, d)."""
    states = model.encode(observations)
    actions = model.action_network(states, noise.true)
    if model.training:
        model.centroids.update(actions.direction_mean, torch.softmax(actions.logits, dim=-1))
    return states, actions, *model.choose(actions, noise.uniform, temperature=temperature)
