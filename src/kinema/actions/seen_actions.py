"""Predicts which actions were ever seen from a position in the action space, and trains the unseen ones to do nothing.

This is not part of CADDY. At the edge of the picture no clip moves on outwards, so the dynamics never learn what such
an action does there, and in play a hand or paddle that is moved against the edge gets lost. An action that was never
seen from a position is therefore taken to do nothing there: either the clip is held, that is, its frame repeated, or,
where other objects move by themselves, the action is assigned to a time step at which nothing was done.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.leaky_conv import SLOPE
from kinema.core.types import TensorGroup

_WIDTH, _REMEMBERED = 32, 4096


class SeenActions(nn.Module):
    """Predicts the probabilities of the actions that follow a frame from its position in the action space alone.

    A position is only a few numbers, from which a small network cannot recognise a single clip. A network that takes
    whole states can, and then calls an action unseen merely because that one clip did not continue with it.

    Attributes:
        places: (4096, d), remembered positions, the latest first.
        shares: (4096, A), probabilities of the actions that followed, sum 1.
        filled: (1,) int64, how many rows of the two are in use.
    """

    places: Tensor
    shares: Tensor
    filled: Tensor

    def __init__(self, num_actions: int, action_space: int) -> None:
        super().__init__()
        self.first = nn.Linear(action_space, _WIDTH)
        self.last = nn.Linear(_WIDTH, num_actions)
        self.register_buffer("places", torch.zeros(_REMEMBERED, action_space))
        self.register_buffer("shares", torch.zeros(_REMEMBERED, num_actions))
        self.register_buffer("filled", torch.zeros(1, dtype=torch.int64))

    @torch.no_grad()
    def remember(self, positions: Tensor, probabilities: Tensor) -> None:
        """Remembers (N, d) positions and (N, A) probabilities of the actions that followed; forgets the oldest ones."""
        self.places.copy_(torch.cat([positions, self.places])[:_REMEMBERED])
        self.shares.copy_(torch.cat([probabilities, self.shares])[:_REMEMBERED])
        self.filled.add_(len(positions)).clamp_(max=_REMEMBERED)

    def loss(self) -> Tensor:
        """Cross-entropy with all (4096, A) remembered probabilities: a batch of a few clips says little of an edge."""
        count = int(self.filled)
        return F.cross_entropy(self(self.places[:count]), self.shares[:count])

    def forward(self, positions: Tensor) -> Tensor:
        """Logits (..., A) of the actions that follow positions (..., d)."""
        known = self.places[: int(self.filled)]
        # The scale of positions is arbitrary and changes during training.
        normed = (positions - known.mean(dim=0)) / known.std(dim=0).clamp_min(1e-6)
        return self.last(F.leaky_relu(self.first(normed), SLOPE))


@dataclass(frozen=True)
class UnseenNoise(TensorGroup):
    """Uniform random numbers in [0, 1) that choose an unseen action for each clip.

    Attributes:
        value: (B, 4): whether the clip gets one, at which time step, for how long, and which action.
    """

    value: Tensor


@dataclass(frozen=True)
class AssignedActions(TensorGroup):
    """Actions that are assigned to clips instead of recognised in them; meanwhile a clip may be held.

    Attributes:
        time_steps: (B, T) int64, which frame of the original clip each frame shows; never decreasing.
        assigned: (B, T - 1) bool, where an action is assigned.
        actions: (B, T - 1) int64, the assigned action; 0 elsewhere.
    """

    time_steps: Tensor
    assigned: Tensor
    actions: Tensor

    def apply(self, clips: Tensor) -> Tensor:
        """Reorders clips (B, T, ...) by ``time_steps``: (B, T, ...)."""
        rows = torch.arange(len(clips), device=clips.device).unsqueeze(1)
        return clips[rows, self.time_steps]


def hold_unseen(
    probabilities: Tensor, noise: UnseenNoise, *, below: float, fraction: float, longest: int
) -> AssignedActions:
    """Holds clips at a time step from which some action is unseen, and assigns that action meanwhile.

    Args:
        probabilities: (B, T, A) of the actions at each time step, sum 1.
        noise: B rows.
        below: an action that is less probable than this is unseen.
        fraction: of the clips that have an unseen action, how many are held.
        longest: the most time steps for which a clip is held; between 1 and this many are drawn.

    Returns:
        B rows of T time steps.
    """
    rows, length, _ = probabilities.shape
    chosen, where, how_long, which = noise.value.to(probabilities).unbind(dim=1)
    unseen = probabilities < below  # (B, T, A)
    # No action follows the last frame.
    possible = unseen.any(dim=-1) & (torch.arange(length, device=probabilities.device) < length - 1)
    is_held = possible.any(dim=1) & (chosen < fraction)
    begin = _pick(possible, where)
    action = _pick(unseen[torch.arange(rows, device=probabilities.device), begin], which)
    steps = (how_long * longest).long() + 1
    clock = torch.arange(length, device=probabilities.device).expand(rows, length)
    delay = (clock - begin.unsqueeze(1)).clamp(min=0).minimum(steps.unsqueeze(1)) * is_held.unsqueeze(1)
    time_steps = clock - delay
    held = time_steps.diff(dim=1) == 0
    return AssignedActions(time_steps, held, action.unsqueeze(1) * held)


def rest_unseen(
    probabilities: Tensor, taken: Tensor, noise: UnseenNoise, *, resting: int, below: float, fraction: float
) -> AssignedActions:
    """Assigns an unseen action wherever a clip rests; the frames of the clip stay as they are.

    Args:
        probabilities: (B, T, A) of the actions at each time step, sum 1.
        taken: (B, T - 1) int64, the actions that were recognised.
        noise: B rows.
        resting: the action that does nothing.
        below: an action that is less probable than this is unseen.
        fraction: of the clips, how many get unseen actions.

    Returns:
        B rows of T time steps.
    """
    rows, length, _ = probabilities.shape
    chosen, _, _, which = noise.value.to(probabilities).unbind(dim=1)
    unseen = probabilities[:, :-1] < below  # (B, T - 1, A)
    assigned = unseen.any(dim=-1) & (taken == resting) & (chosen < fraction).unsqueeze(1)
    action = _pick(unseen.flatten(0, 1), which.repeat_interleave(length - 1)).unflatten(0, (rows, length - 1))
    clock = torch.arange(length, device=probabilities.device).expand(rows, length)
    return AssignedActions(clock, assigned, action * assigned)


def _pick(possible: Tensor, uniform: Tensor) -> Tensor:
    """Picks one index of each row of (B, N) bool that is true, by (B,) numbers in [0, 1): (B,) int64, 0 if none is."""
    count = possible.sum(dim=1)
    wanted = (uniform * count).long().clamp(max=(count - 1).clamp(min=0)) + 1
    return (possible.cumsum(dim=1) >= wanted.unsqueeze(1)).long().argmax(dim=1)
