"""What K generated sequences owe to one true one: that some of them is it, and that they differ.

``push_pull`` is what "Every Smile is Unique" (Wang et al., CVPR 2018) describes; the exact form that was published
could not be verified, this one is a reconstruction. ``balanced_pull`` is ours.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pull_to_shared(modes: Tensor, shared: Tensor) -> Tensor:
    """How far the modes leave the sequence that the label alone gives; part of the push-pull objective.

    Args:
        modes: (B, K, T, d) codes.
        shared: (B, T, d) codes, no gradient needed.

    Returns:
        Scalar, the mean squared difference.
    """
    return (modes - shared[:, None]).square().mean()


def push_apart(modes: Tensor, *, margin: float, squared: bool = True) -> Tensor:
    """How much closer than a margin modes are to each other.

    Args:
        modes: (B, K, T, ...) codes or points.
        margin: distance from which on nothing pushes.
        squared: distances are mean squares (of codes); otherwise roots of the mean squares of each pair (of points).

    Returns:
        Scalar, the mean over pairs of max(0, margin - distance); 0 for a single mode.
    """
    count = modes.shape[1]
    if count < 2:
        return modes.new_zeros(())
    first, second = torch.triu_indices(count, count, offset=1, device=modes.device)
    distance = (modes[:, first] - modes[:, second]).square().flatten(2).mean(dim=2)  # (B, pairs)
    if not squared:
        distance = (distance + 1e-10).sqrt()
    return (margin - distance).clamp_min(0).mean()


def closest_mode(errors: Tensor) -> Tensor:
    """Errors (B, K) of each mode against the truth to a scalar: the mean over rows of the smallest."""
    return errors.amin(dim=1).mean()


def push_pull(
    errors: Tensor, modes: Tensor, shared: Tensor, *, pull: float, push: float, margin: float
) -> dict[str, Tensor]:
    """The push-pull objective (reconstruction): the closest mode is the truth, all stay near the label's, and differ.

    Args:
        errors: (B, K) of each mode against the true sequence.
        modes: (B, K, T, d) codes.
        shared: (B, T, d) codes that the label alone gives.
        pull: weight of :func:`pull_to_shared`.
        push: weight of :func:`push_apart`.
        margin: of the push, in mean squares of codes.

    Returns:
        Name to scalar: closest, pull and push, weighted.
    """
    return {
        "closest": closest_mode(errors),
        "pull": pull * pull_to_shared(modes, shared),
        "push": push * push_apart(modes, margin=margin),
    }


@torch.no_grad()
def balanced_plan(errors: Tensor, label: Tensor, *, temperature: float, iterations: int = 50) -> Tensor:
    """Which mode answers for which sequence, every mode for equally many of each label (Sinkhorn's iteration).

    Args:
        errors: (B, K) of each mode against the true sequence, any unit.
        label: (B,) int64; rows of one label are balanced among themselves.
        temperature: as a share of the mean error; near 0 a row has one mode.
        iterations: of balancing columns and rows.

    Returns:
        (B, K) shares; rows have sum 1, columns of a label about its number of rows / K.

    >>> errors = torch.tensor([[0.0, 1.0], [0.1, 1.0]])  # mode 0 is better for both, the second row can do without
    >>> balanced_plan(errors, torch.zeros(2, dtype=torch.int64), temperature=0.02).round().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    plan = torch.zeros_like(errors)
    scaled = -errors / (temperature * errors.mean().clamp_min(1e-12))
    for value in label.unique():
        rows = label == value
        logs = scaled[rows].double()
        wanted = torch.tensor(len(logs) / errors.shape[1], dtype=logs.dtype, device=logs.device).log()
        for _ in range(iterations):
            logs = logs - logs.logsumexp(dim=0, keepdim=True) + wanted
            logs = logs - logs.logsumexp(dim=1, keepdim=True)
        plan[rows] = logs.exp().to(plan)
    return plan


def balanced_pull(errors: Tensor, label: Tensor, *, temperature: float, share: float) -> Tensor:
    """Every sequence pulls the modes that :func:`balanced_plan` gives it, and all modes a little.

    Args:
        errors: (B, K) of each mode against the true sequence.
        label: (B,) int64.
        temperature: of the plan.
        share: of the mean over all modes, so that none is left behind.

    Returns:
        Scalar.
    """
    plan = balanced_plan(errors, label, temperature=temperature)
    return ((1 - share) * (plan * errors).sum(dim=1) + share * errors.mean(dim=1)).mean()
