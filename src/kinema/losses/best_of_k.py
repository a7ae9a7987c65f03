"""Computes best-of-K and diversity losses: the closest of K generated sequences should match the true one, and all K
should differ from each other.

``push_pull`` follows the description in "Every Smile is Unique" (Wang et al., CVPR 2018); the exact published form
could not be verified, so it is a reconstruction. ``balanced_pull`` is ours.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pull_to_shared(modes: Tensor, shared: Tensor) -> Tensor:
    """Mean squared distance of the K modes from the sequence that all of them share; part of :func:`push_pull`.

    Args:
        modes: (B, K, T, d) codes.
        shared: (B, T, d) codes predicted from the label alone; no gradient needed.

    Returns:
        Scalar, the mean squared difference.
    """
    return (modes - shared[:, None]).square().mean()


def push_apart(modes: Tensor, *, margin: float, squared: bool = True) -> Tensor:
    """Hinge loss on the distances between modes: penalizes pairs that are closer than a margin.

    Args:
        modes: (B, K, T, ...) codes or points.
        margin: pairs at this distance or further apart are not penalized.
        squared: measure the distance of a pair as the mean square of the difference (for codes); otherwise as its
            root (for points).

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
    """Best-of-K loss: the mean over rows of the smallest of the (B, K) errors of the modes, a scalar."""
    return errors.amin(dim=1).mean()


def push_pull(
    errors: Tensor, modes: Tensor, shared: Tensor, *, pull: float, push: float, margin: float
) -> dict[str, Tensor]:
    """The push-pull objective (a reconstruction): the sum of a best-of-K loss, a pull and a push.

    The closest mode should match the true sequence, all modes should stay near the shared one, and they should differ.

    Args:
        errors: (B, K), the error of each mode against the true sequence.
        modes: (B, K, T, d) codes.
        shared: (B, T, d) codes predicted from the label alone.
        pull: weight of :func:`pull_to_shared`.
        push: weight of :func:`push_apart`.
        margin: of :func:`push_apart`, in mean squares of codes.

    Returns:
        The weighted scalars "closest", "pull" and "push".
    """
    return {
        "closest": closest_mode(errors),
        "pull": pull * pull_to_shared(modes, shared),
        "push": push * push_apart(modes, margin=margin),
    }


@torch.no_grad()
def balanced_plan(errors: Tensor, label: Tensor, *, temperature: float, iterations: int = 50) -> Tensor:
    """Assigns sequences to modes so that each mode gets equally many sequences of each label (Sinkhorn's iteration).

    Args:
        errors: (B, K), the error of each mode against the true sequence, in any unit.
        label: (B,) int64; each label is balanced separately.
        temperature: as a fraction of the mean error; near 0 each sequence is assigned to a single mode.
        iterations: how often columns and rows are normalised in turn.

    Returns:
        (B, K) weights. Each row sums to 1; over the rows of a label each column sums to about their number / K.

    >>> errors = torch.tensor([[0.0, 1.0], [0.1, 1.0]])  # mode 0 fits both better, but the first row gains more by it
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


def balanced_pull(errors: Tensor, label: Tensor, *, temperature: float, mean_weight: float) -> Tensor:
    """Mean error of the modes, weighted by :func:`balanced_plan` and, a little, over all modes alike.

    Args:
        errors: (B, K), the error of each mode against the true sequence.
        label: (B,) int64.
        temperature: of the plan.
        mean_weight: in [0, 1], weight of the plain mean over all modes, so that every mode keeps learning.

    Returns:
        Scalar.
    """
    plan = balanced_plan(errors, label, temperature=temperature)
    return ((1 - mean_weight) * (plan * errors).sum(dim=1) + mean_weight * errors.mean(dim=1)).mean()
