"""Measures how well discrete actions explain movements (CADDY, CVPR 2021, Sec. 4.1: delta-MSE and delta-Acc).

A movement is the change of the position of an object from one time step to the next: a robot's gripper, a player, a
paddle.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.core.checks import InputError


@dataclass(frozen=True)
class ActionMovement:
    """The movements under one action.

    Attributes:
        fraction: of all time steps.
        mean: (d,).
        variance: (d,), of the movements about their mean.
        kurtosis: (d,), 0 for a normal distribution; not finite if an axis does not vary.
        deciles: (11, d), smallest to largest.
    """

    fraction: float
    mean: Tensor
    variance: Tensor
    kurtosis: Tensor
    deciles: Tensor


def movements_by_action(actions: Tensor, movements: Tensor) -> dict[int, ActionMovement]:
    """The movements under each action that occurs.

    Args:
        actions: (...,) int64.
        movements: (..., d) of the same steps.

    Returns:
        Action to its movements, in float64.
    """
    actions, movements = _flat(actions, movements)
    found = {}
    for action in actions.unique().tolist():
        own = movements[actions == action]
        centred = own - own.mean(dim=0)
        variance = centred.square().mean(dim=0)
        kurtosis = centred.pow(4).mean(dim=0) / variance.square() - 3
        deciles = own.quantile(torch.linspace(0, 1, 11, dtype=own.dtype), dim=0)
        found[action] = ActionMovement(len(own) / len(actions), own.mean(dim=0), variance, kurtosis, deciles)
    return found


def delta_mse(actions: Tensor, movements: Tensor) -> float:
    """The variance of movements within an action, as a fraction of their variance over all actions.

    The mean over the actions that occur (with equal weights) of the mean variance of their movements, divided by the
    mean variance of all movements. 0 if an action always does the same, about 1 if actions do not explain movements.

    Args:
        actions: (...,) int64.
        movements: (..., d) of the same steps.

    Raises:
        InputError: nothing moves.
    """
    flat_actions, flat = _flat(actions, movements)
    whole = flat.var(dim=0, correction=0).mean()
    if whole == 0:
        raise InputError("delta-MSE: all movements are equal, so no action can explain them")
    within = [part.variance.mean() for part in movements_by_action(flat_actions, flat).values()]
    return float(torch.stack(within).mean() / whole)


def delta_accuracy(actions: Tensor, movements: Tensor, *, softness: float = 1.0) -> float:
    """Fraction of time steps whose action a linear classifier predicts from the movement.

    The classifier is a one-versus-rest support vector machine with squared hinge loss, whose bias is regularised like a
    weight (Fan et al., "LIBLINEAR", JMLR 2008, its default). As in the paper, it is tested on its training steps.

    Args:
        actions: (...,) int64.
        movements: (..., d) of the same steps.
        softness: C, weight of the hinge loss.

    Returns:
        In [0, 1]; always guessing the commonest action reaches its fraction of the steps.
    """
    actions, movements = _flat(actions, movements)
    classes = actions.unique()
    inputs = F.pad(movements, (0, 1), value=1.0)  # (N, d + 1)
    scores = [inputs @ _separate(inputs, 2.0 * (actions == one) - 1, softness) for one in classes]
    return float((classes[torch.stack(scores).argmax(dim=0)] == actions).double().mean())


def _separate(inputs: Tensor, signs: Tensor, softness: float, *, steps: int = 100) -> Tensor:
    """Weights (d,) that minimise |w|^2 / 2 + C sum max(0, 1 - y w x)^2, by Newton's method with halved steps."""
    signed = inputs * signs.unsqueeze(1)
    weights = inputs.new_zeros(inputs.shape[1])

    def cost(candidate: Tensor) -> Tensor:
        return candidate @ candidate / 2 + softness * (1 - signed @ candidate).clamp_min(0).square().sum()

    for _ in range(steps):
        slack = 1 - signed @ weights
        inside = signed[slack > 0]
        gradient = weights - 2 * softness * inside.mT @ slack[slack > 0]
        if gradient.abs().max() < 1e-9:
            break
        curvature = torch.eye(len(weights), dtype=weights.dtype) + 2 * softness * inside.mT @ inside
        step = torch.linalg.solve(curvature, gradient)
        length = 1.0
        while cost(weights - length * step) > cost(weights) and length > 1e-6:
            length /= 2
        weights = weights - length * step
    return weights


def _flat(actions: Tensor, movements: Tensor) -> tuple[Tensor, Tensor]:
    if actions.shape != movements.shape[:-1] or actions.numel() == 0:
        raise InputError(
            f"actions of shape {tuple(actions.shape)} and movements of shape {tuple(movements.shape)} do not fit; "
            "give (...,) and (..., d) of at least one step"
        )
    return actions.flatten().cpu(), movements.flatten(0, -2).double().cpu()
