"""Checks the landmarks and labels that callers give, and draws codes of a face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.random import derive_seed
from kinema.faces.landmarks import NUM_LANDMARKS


def face_points(landmarks: np.ndarray | Tensor) -> Tensor:
    """Landmarks as float32 (68, 2).

    Raises:
        InputError: they are of another shape, or one is not finite.
    """
    points = torch.as_tensor(landmarks, dtype=torch.float32)
    if points.shape != (NUM_LANDMARKS, 2) or not points.isfinite().all():
        raise InputError(f"landmarks of shape {tuple(points.shape)}; expected ({NUM_LANDMARKS}, 2) finite pixels")
    return points


def label_number(label: str, labels: Sequence[str]) -> Tensor:
    """The index of a label among those of a config, (1,) int64.

    Raises:
        InputError: it is not among them.
    """
    if label not in labels:
        raise InputError(f"label '{label}' is unknown to this model; known: {', '.join(labels)}")
    return torch.tensor([labels.index(label)])


def count_rounds(wanted: int | None, num_modes: int) -> tuple[int, int]:
    """Number of wanted sequences, and how many times all modes of a model are needed for them.

    Raises:
        InputError: ``wanted`` is below 1.
    """
    count = num_modes if wanted is None else wanted
    if count < 1:
        raise InputError(
            f"{count} modes: give 1 or more; this model has {num_modes}, more are random variations of them"
        )
    return count, -(-count // num_modes)


def draw_codes(mean: Tensor, log_variance: Tensor, *, rounds: int, seed: int | None) -> Iterator[Tensor]:
    """Draws codes of a face.

    Args:
        mean: (1, d), the most likely code.
        log_variance: (1, d).
        rounds: number of codes.
        seed: of all codes; None gives the mean first.

    Yields:
        (1, d).
    """
    for index in range(rounds):
        if seed is None and index == 0:
            yield mean
            continue
        generator = torch.Generator().manual_seed(derive_seed("face code", seed or 0, index))
        noise = torch.randn(mean.shape, generator=generator).to(mean)
        yield mean + noise * (0.5 * log_variance).exp()
