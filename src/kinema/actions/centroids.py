"""Tracks the mean direction of each action and computes how movements vary around it (CADDY, Sec. 3.3)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from kinema.core.config import Config
from kinema.core.distributed import sum_over_processes


class CentroidConfig(Config):
    """Number of centroids and how fast they move."""

    num_actions: int = Field(default=7, ge=2, description="A, one centroid each")
    action_space: int = Field(default=2, ge=1, description="d, dimensions of the action space")
    rate: float = Field(default=0.1, gt=0, le=1, description="weight of a batch in the moving average")


class ActionCentroids(nn.Module):
    """A moving average of the directions of each action.

    Attributes:
        value: (A, d).
    """

    value: Tensor

    def __init__(self, config: CentroidConfig) -> None:
        super().__init__()
        self.config = config
        # The loss pulls directions towards a standard normal distribution, so the averages start from samples of it.
        self.register_buffer("value", torch.randn(config.num_actions, config.action_space))

    @torch.no_grad()
    def update(self, directions: Tensor, assignments: Tensor) -> None:
        """Moves the centroids towards the means of a batch; with several processes, of all their batches together.

        Args:
            directions: (..., d), means of the directions' distributions.
            assignments: (..., A) probabilities of the actions.
        """
        weights = assignments.detach().flatten(0, -2).to(self.value.dtype)  # (N, A)
        weighted = weights.mT @ directions.detach().flatten(0, -2).to(self.value.dtype)  # (A, d)
        sums = sum_over_processes(torch.cat([weighted, weights.sum(dim=0).unsqueeze(1)], dim=1))  # (A, d + 1)
        self.value.lerp_(sums[:, :-1] / sums[:, -1:], self.config.rate)

    def variations(self, directions: Tensor, assignments: Tensor) -> Tensor:
        """How movements differ from the average of their actions.

        Args:
            directions: (..., d).
            assignments: (..., A), not negative, sum 1.

        Returns:
            (..., d), 0 where a movement is the average of its action.
        """
        offsets = directions.unsqueeze(-2) - self.value  # (..., A, d)
        return (assignments.unsqueeze(-1) * offsets).sum(dim=-2)

    def mean_distance(self) -> Tensor:
        """Mean distance between two centroids, a scalar; near 0 if all actions do the same."""
        return torch.pdist(self.value).mean()

    def resting(self) -> int:
        """The action with the least movement, whose centroid is nearest to 0."""
        return int(self.value.norm(dim=1).argmin())

    def between(self, first: int, second: int, weight: float) -> tuple[int, Tensor]:
        """A point (d,) on the line between two centroids (A, d), as an action and its variation.

        Args:
            first: an action.
            second: another one.
            weight: of the second centroid: 0 gives the first one, 1 the second.

        Returns:
            The nearer action, and the variation (d,) from its centroid to the point.
        """
        chosen = second if weight > 0.5 else first
        point = self.value[first] + weight * (self.value[second] - self.value[first])
        return chosen, point - self.value[chosen]
