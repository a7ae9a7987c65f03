"""Measures the quality of K generated landmark sequences: error, diversity, coverage of styles, label, jitter."""

from __future__ import annotations

import torch
from torch import Tensor

PERCENT = 100.0


def sequence_errors(generated: Tensor, true: Tensor) -> Tensor:
    """Error of each mode.

    Args:
        generated: (B, K, T, N, 2) landmarks in the face's own coordinates.
        true: (B, T, N, 2), the true sequence.

    Returns:
        (B, K) mean Euclidean distance over frames and points, in % of the eye distance.

    >>> sequence_errors(torch.zeros(1, 2, 3, 4, 2), torch.ones(1, 3, 4, 2)).int().tolist()
    [[141, 141]]
    """
    return PERCENT * (generated - true[:, None]).norm(dim=-1).mean(dim=(2, 3))


def best_of(generated: Tensor, true: Tensor) -> Tensor:
    """Error of the best mode of (B, K, T, N, 2) against (B, T, N, 2): (B,), in % of the eye distance."""
    return sequence_errors(generated, true).amin(dim=1)


def pair_distance(generated: Tensor) -> Tensor:
    """Mean distance between the modes.

    Args:
        generated: (B, K, T, N, 2) landmarks, K at least 2.

    Returns:
        (B,) mean over pairs of the mean Euclidean distance, in % of the eye distance.
    """
    count = generated.shape[1]
    first, second = torch.triu_indices(count, count, offset=1, device=generated.device)
    return PERCENT * (generated[:, first] - generated[:, second]).norm(dim=-1).mean(dim=(1, 2, 3))


def covered_styles(generated: Tensor, true: Tensor) -> Tensor:
    """Which of the true sequences of a person are covered: they are the closest one to some mode.

    Args:
        generated: (B, K, T, N, 2) landmarks of one label.
        true: (B, S, T, N, 2), one sequence for each style, with the same neutral face and label.

    Returns:
        (B, S) bool.
    """
    distances = torch.stack([sequence_errors(generated, true[:, style]) for style in range(true.shape[1])], dim=2)
    closest = distances.argmin(dim=2)  # (B, K)
    return torch.nn.functional.one_hot(closest, true.shape[1]).any(dim=1)


def jitter(sequences: Tensor) -> Tensor:
    """Mean length of the change of velocity between frames.

    Args:
        sequences: (..., T, N, 2) landmarks, T at least 3.

    Returns:
        (...) in % of the eye distance; compare with that of true sequences.
    """
    return PERCENT * sequences.diff(n=2, dim=-3).norm(dim=-1).mean(dim=(-2, -1))


class LabelClassifier:
    """A ridge regression on the principal components of landmark velocities, fitted to true sequences."""

    def __init__(self, sequences: Tensor, label: Tensor, *, components: int = 40, ridge: float = 0.1) -> None:
        """Fits the regression.

        Args:
            sequences: (B, T, N, 2) landmarks in the face's own coordinates.
            label: (B,) int64.
            components: number of principal components.
            ridge: weight of the penalty, as a fraction of the mean variance of a component.
        """
        features = _velocities(sequences)
        self.mean = features.mean(dim=0)
        centred = features - self.mean
        _, _, directions = torch.linalg.svd(centred, full_matrices=False)
        self.directions = directions[:components].mT  # (F, C)
        inputs = centred @ self.directions
        gram = inputs.mT @ inputs / len(inputs)
        targets = torch.nn.functional.one_hot(label).to(inputs)
        self.bias = targets.mean(dim=0)
        penalty = ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
        self.weights = torch.linalg.solve(gram + penalty, inputs.mT @ (targets - self.bias) / len(inputs))

    def predict(self, sequences: Tensor) -> Tensor:
        """Predicts the labels (B,) int64 of (B, T, N, 2) landmarks."""
        scores = (_velocities(sequences) - self.mean) @ self.directions @ self.weights + self.bias
        return scores.argmax(dim=1)

    def accuracy(self, sequences: Tensor, label: Tensor) -> float:
        """Fraction of (B, T, N, 2) sequences whose label (B,) is predicted."""
        return float((self.predict(sequences) == label).double().mean())


def _velocities(sequences: Tensor) -> Tensor:
    """Joins the velocities of (B, T, N, 2) landmarks as vectors (B, F), float64."""
    return PERCENT * sequences.diff(dim=1).flatten(1).double()
