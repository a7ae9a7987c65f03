"""Joins the stages of playable: from an observation to its state, and with an action to the next frame."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.actions.action_network import ActionEstimate, ActionNetwork, ActionNoise
from kinema.actions.centroids import ActionCentroids
from kinema.actions.representation import DOWNSCALE, RepresentationNetwork, States
from kinema.core.checks import check_divisible
from kinema.ops.frame_stack import push_frame
from kinema.ops.gumbel import gumbel_softmax
from kinema.sequences.action_dynamics import ActionDynamics, DynamicsMemory
from kinema.synthesis.frame_composer import SeenFrames
from kinema.synthesis.state_renderer import StateRenderer
from kinema.systems.playable.config import PlayableConfig


class PlayableModel(nn.Module):
    """Representation, action network, centroids, dynamics and renderer."""

    def __init__(self, config: PlayableConfig) -> None:
        super().__init__()
        self.config = config
        self.representation = RepresentationNetwork(config.representation)
        self.action_network = ActionNetwork(config.actions)
        self.centroids = ActionCentroids(config.centroids)
        self.dynamics = ActionDynamics(config.dynamics)
        self.renderer = StateRenderer(config.renderer)

    def encode(self, observations: Tensor) -> States:
        """The states (B, T, C, h, w) of whole clips (B, T, 3 S, H, W) in [0, 1]."""
        rows = observations.shape[:2]
        return self.representation(observations.flatten(0, 1)).map(lambda tensor: tensor.unflatten(0, rows))

    def recognise(self, observations: Tensor, noise: ActionNoise | None = None) -> ActionEstimate:
        """The actions between frames of clips (B, T, 3 S, H, W) in [0, 1]; the most likely ones without noise."""
        return self.action_network(self.encode(observations), noise)

    def choose(self, estimate: ActionEstimate, uniform: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
        """Samples of the recognised actions, and how each step differs from its action.

        Args:
            estimate: of clips with (B, T) time steps.
            uniform: (B, T - 1, A) numbers drawn evenly from [0, 1).
            temperature: of the samples, above 0.

        Returns:
            (B, T - 1, A) actions, not negative, sum 1, and (B, T - 1, d) variations.
        """
        logs = torch.log_softmax(estimate.logits, dim=-1)
        actions = gumbel_softmax(logs, uniform, temperature=temperature, hard=self.config.hard_actions)
        return actions, self._variations(estimate, actions)

    def start(self, rows: int, size: tuple[int, int] | None = None) -> DynamicsMemory:
        """The memory of ``rows`` games before their first step, (B, C, h, w) each.

        Args:
            rows: B.
            size: (height, width) of the frames; None: of those it learned from.
        """
        if size is None:
            return self.dynamics.start(rows)
        check_divisible(size, self.config.divisor, what="playable")
        return self.dynamics.start(rows, (size[0] // DOWNSCALE, size[1] // DOWNSCALE))

    def follow(self, observations: Tensor) -> DynamicsMemory:
        """The memory of games that begin at the end of clips, from true observations and recognised actions.

        Args:
            observations: (B, T, 3 S, H, W) in [0, 1], at the training's frame stride; games begin at the last one.

        Returns:
            (B, C, h, w) each, after T - 1 steps; for T = 1 that of :meth:`start`.
        """
        rows, length = observations.shape[:2]
        memory = self.start(rows, (observations.shape[3], observations.shape[4]))
        if length == 1:
            return memory
        states = self.encode(observations)
        seen = self.action_network(states)
        actions = F.one_hot(seen.logits.argmax(dim=-1), self.config.actions.num_actions).to(
            seen.logits
        )  # (B, T - 1, A)
        variations = self._variations(seen, actions)
        for t in range(length - 1):
            _, memory = self.dynamics(states.value[:, t], actions[:, t], variations[:, t], memory)
        return memory

    def step(
        self, observation: Tensor, action: Tensor, variation: Tensor, memory: DynamicsMemory, first: Tensor
    ) -> tuple[Tensor, DynamicsMemory]:
        """The next frame of B games.

        Args:
            observation: (B, 3 S, H, W) RGB in [0, 1]; the next one is ``push_frame(observation, frame)``.
            action: (B, A), one-hot.
            variation: (B, d); zeros for what the action does on average.
            memory: after the step before, :meth:`follow` or :meth:`start`.
            first: (B, 3, H, W) RGB in [0, 1], the games' first frame, for a renderer that copies.

        Returns:
            (B, 3, H, W) RGB in [0, 1], and the memory.
        """
        hidden, memory = self.dynamics(self.representation(observation).value, action, variation, memory)
        return self.renderer.finest(hidden, SeenFrames(first, observation[:, :3])), memory

    def forward(self, observation: Tensor, actions: Tensor) -> Tensor:
        """Generates the frames that follow an observation and actions.

        Args:
            observation: (B, 3 S, H, W) RGB in [0, 1], where the games begin.
            actions: (B, N) int64, in the order they are taken.

        Returns:
            (B, N, 3, H, W) RGB in [0, 1].
        """
        memory = self.start(len(observation), (observation.shape[2], observation.shape[3]))
        keys = F.one_hot(actions, self.config.actions.num_actions).to(observation)  # (B, N, A)
        average = observation.new_zeros(len(observation), self.config.actions.action_space)
        first, frames = observation[:, :3], []
        for action in keys.unbind(dim=1):
            frame, memory = self.step(observation, action, average, memory, first)
            observation = push_frame(observation, frame)
            frames.append(frame)
        return torch.stack(frames, dim=1)

    def _variations(self, estimate: ActionEstimate, actions: Tensor) -> Tensor:
        variations = self.centroids.variations(estimate.direction, actions)
        return variations if self.config.variations else torch.zeros_like(variations)
