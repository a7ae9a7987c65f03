"""Generates frames from a first frame and actions, in constant memory; each game keeps its own state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import TensorGroup
from kinema.framing.pixels import to_frames, to_images
from kinema.ops.frame_stack import push_frame, stack_frames
from kinema.sequences.action_dynamics import DynamicsMemory
from kinema.systems.pipeline import ModelPipeline
from kinema.video import resize


@dataclass(frozen=True)
class Game(TensorGroup):
    """The complete state of one game.

    Attributes:
        observation: (1, 3 S, H, W) RGB in [0, 1], the last frames, the most recent first.
        memory: of the dynamics.
        first: (1, 3, H, W), the first true frame that the game follows.
    """

    observation: Tensor
    memory: DynamicsMemory
    first: Tensor


class PlayablePipeline(ModelPipeline):
    """A trained model, ready to be played; it holds no game, so many games may share it."""

    @property
    def num_actions(self) -> int:
        """Number of actions, which are 0 to ``num_actions`` - 1."""
        return self.model.config.actions.num_actions

    @torch.no_grad()
    def start(self, frames: np.ndarray) -> Game:
        """A new game.

        Args:
            frames: uint8 (T, H, W, 3), true frames at the training's frame stride; the game begins at the last one.
                One frame is enough. Frames before the last S, those of an observation, show the game what is moving:
                it follows the true frames from the first whole observation on. They are resized to the model's size.
        """
        if frames.ndim != 4 or len(frames) == 0:
            raise InputError(f"a game starts from pictures (T, H, W, 3), at least one; got shape {frames.shape}")
        stack = self.model.config.representation.stack
        fitted = [frame if frame.shape[:2] == self.size else resize(frame, self.size) for frame in frames]
        clip = torch.cat([to_frames(frame) for frame in fitted]).unsqueeze(0).to(self.device)  # (1, T, 3, H, W)
        # Observations that would need frames before the first one are left out.
        observations = stack_frames(clip, stack)[:, min(stack, len(frames)) - 1 :]
        with self.autocast():
            memory = self.model.follow(observations)
        return Game(observations[:, -1], memory, observations[:, 0, :3])

    @torch.no_grad()
    def step(self, game: Game, action: int, variation: Tensor | None = None) -> tuple[np.ndarray, Game]:
        """The frame after an action, and the game after it; the game given stays as it is.

        Args:
            game: from :meth:`start` or the step before.
            action: 0 to :attr:`num_actions` - 1.
            variation: (1, d) or (d,), how the step differs from what the action does on average; None: not at all.

        Returns:
            uint8 (height, width, 3), and the game.

        Raises:
            InputError: there is no such action.
        """
        if not 0 <= action < self.num_actions:
            raise InputError(f"action {action} is unknown; accepted: 0 to {self.num_actions - 1}")
        chosen = torch.tensor([action], device=self.device)
        keys = F.one_hot(chosen, self.num_actions).to(game.observation.dtype)  # (1, A)
        space = self.model.config.actions.action_space
        offset = keys.new_zeros(1, space) if variation is None else variation.to(keys).reshape(1, space)
        low = self.precision != torch.float32
        with torch.autocast(self.device.type, dtype=self.precision if low else torch.bfloat16, enabled=low):
            frame, memory = self.model.step(game.observation, keys, offset, game.memory, game.first)
        frame = frame.float()
        return to_images(frame)[0], Game(push_frame(game.observation, frame), memory, game.first)

    @torch.no_grad()
    def recognise(self, frames: np.ndarray) -> list[int]:
        """The likeliest action between each frame and the next.

        Args:
            frames: uint8 (T, H, W, 3) of the model's size and time stride, at least two.

        Returns:
            T - 1 actions.
        """
        clip = to_frames(frames).unsqueeze(0).to(self.device)  # (1, T, 3, H, W)
        observations = stack_frames(clip, self.model.config.representation.stack)
        return self.model.recognise(observations).logits[0].argmax(dim=-1).tolist()
