"""A frame's place in the action space -> which actions were ever seen from there.

Not of CADDY: from an edge no clip goes further, so its dynamics never learn what an action does that leads there, and
in play a hand or paddle that is driven on is lost. What was never seen from a place is taken to do nothing there: clips
are held meanwhile, or, where other things move on by themselves, do what they do at rest.
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
    """The shares of the actions that follow a frame, from its place alone.

    A place is a few numbers, by which a small network cannot tell single clips apart. One that reads whole states can,
    and takes for unseen what a clip merely did not do.

    Attributes:
        places: (4096, d), of the last moments taken in, the latest first.
        shares: (4096, A), of the actions that followed, sum 1.
        filled: (1,) int64, how many of them there are by now.
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
    def take_in(self, places: Tensor, shares: Tensor) -> None:
        """Remembers (N, d) places and (N, A) shares of the actions that followed, and forgets as many old ones."""
        self.places.copy_(torch.cat([places, self.places])[:_REMEMBERED])
        self.shares.copy_(torch.cat([shares, self.shares])[:_REMEMBERED])
        self.filled.add_(len(places)).clamp_(max=_REMEMBERED)

    def loss(self) -> Tensor:
        """Cross entropy of the (4096, A) shares remembered: a batch is a few clips and says little about an edge."""
        count = int(self.filled)
        return F.cross_entropy(self(self.places[:count]), self.shares[:count])

    def forward(self, places: Tensor) -> Tensor:
        """(..., A) logits of (..., d) places."""
        known = self.places[: int(self.filled)]
        # Places have any scale, and it changes as they are learned.
        normed = (places - known.mean(dim=0)) / known.std(dim=0).clamp_min(1e-6)
        return self.last(F.leaky_relu(self.first(normed), SLOPE))


@dataclass(frozen=True)
class UnseenNoise(TensorGroup):
    """Evenly drawn numbers in [0, 1): whether a clip takes an action never seen there, where, how long and which.

    Attributes:
        value: (B, 4).
    """

    value: Tensor


@dataclass(frozen=True)
class ToldActions(TensorGroup):
    """Steps whose action is told instead of seen, and clips that may stand still meanwhile.

    Attributes:
        moments: (B, T) int64, which true moment each moment shows; never falling.
        told: (B, T - 1) bool, the steps whose action is told.
        actions: (B, T - 1) int64, the action of each such step; 0 elsewhere.
    """

    moments: Tensor
    told: Tensor
    actions: Tensor

    def apply(self, clips: Tensor) -> Tensor:
        """(B, T, ...) as the moments say."""
        rows = torch.arange(len(clips), device=clips.device).unsqueeze(1)
        return clips[rows, self.moments]


def hold_unseen(shares: Tensor, noise: UnseenNoise, *, below: float, share: float, longest: int) -> ToldActions:
    """Picks, in clips that pass a place from which an action is not seen, one such moment and action, and holds them.

    Args:
        shares: (B, T, A) of the actions at each moment, sum 1.
        noise: B rows.
        below: an action with a smaller share is not seen from there.
        share: of the clips that have such a moment, how many are held.
        longest: steps that a clip is held for, at most; 1 to this.

    Returns:
        B rows of T moments.
    """
    rows, length, _ = shares.shape
    chosen, where, how_long, which = noise.value.to(shares).unbind(dim=1)
    unseen = shares < below  # (B, T, A)
    # From the last moment no step follows.
    possible = unseen.any(dim=-1) & (torch.arange(length, device=shares.device) < length - 1)
    is_held = possible.any(dim=1) & (chosen < share)
    moment = _pick(possible, where)
    action = _pick(unseen[torch.arange(rows, device=shares.device), moment], which)
    steps = (how_long * longest).long() + 1
    clock = torch.arange(length, device=shares.device).expand(rows, length)
    delay = (clock - moment.unsqueeze(1)).clamp(min=0).minimum(steps.unsqueeze(1)) * is_held.unsqueeze(1)
    moments = clock - delay
    held = moments.diff(dim=1) == 0
    return ToldActions(moments, held, action.unsqueeze(1) * held)


def rest_unseen(
    shares: Tensor, taken: Tensor, noise: UnseenNoise, *, resting: int, below: float, share: float
) -> ToldActions:
    """Tells, in steps at rest from where an action is not seen, that it was this action: clips go on as they are.

    Args:
        shares: (B, T, A) of the actions at each moment, sum 1.
        taken: (B, T - 1) int64, the actions seen.
        noise: B rows.
        resting: the action that does nothing.
        below: an action with a smaller share is not seen from there.
        share: of the clips, how many are told.

    Returns:
        B rows of T moments.
    """
    rows, length, _ = shares.shape
    chosen, _, _, which = noise.value.to(shares).unbind(dim=1)
    unseen = shares[:, :-1] < below  # (B, T - 1, A)
    told = unseen.any(dim=-1) & (taken == resting) & (chosen < share).unsqueeze(1)
    action = _pick(unseen.flatten(0, 1), which.repeat_interleave(length - 1)).unflatten(0, (rows, length - 1))
    clock = torch.arange(length, device=shares.device).expand(rows, length)
    return ToldActions(clock, told, action * told)


def _pick(possible: Tensor, uniform: Tensor) -> Tensor:
    """(B,) int64: one of the places where (B, N) holds, by (B,) numbers in [0, 1); 0 where none does."""
    count = possible.sum(dim=1)
    wanted = (uniform * count).long().clamp(max=(count - 1).clamp(min=0)) + 1
    return (possible.cumsum(dim=1) >= wanted.unsqueeze(1)).long().argmax(dim=1)
