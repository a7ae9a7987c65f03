"""Measures how similar a picture is to the training pictures of a model, by what its keypoint detector sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from kinema.core.checks import InputError

# Weight of the identity in the correlation matrix: a few hundred pictures do not determine all of its entries.
SHRINKAGE = 0.1
# A picture is unfamiliar if its distance is this many times the 99th percentile of the training pictures.
TOLERANCE = 1.5
FILE_NAME = "familiarity.safetensors"


@dataclass(frozen=True)
class Familiarity:
    """The pictures that a model learned from, as a normal distribution of D features of each.

    Attributes:
        mean: (D,).
        scale: (D,) standard deviations.
        precision: (D, D), the inverse of the shrunk correlation matrix.
        reach: 99th percentile of the distances of those pictures.
    """

    mean: Tensor
    scale: Tensor
    precision: Tensor
    reach: float

    @classmethod
    def of(cls, described: Tensor) -> Familiarity:
        """Fits the distribution.

        Args:
            described: (N, D) features of N pictures, from the pipeline's ``describe``.
        """
        mean, scale = described.mean(dim=0), described.std(dim=0) + 1e-3
        correlation = torch.corrcoef(((described - mean) / scale).T).nan_to_num()
        shrunk = (1 - SHRINKAGE) * correlation + SHRINKAGE * torch.eye(len(correlation))
        fitted = cls(mean, scale, torch.linalg.inv(shrunk), 0.0)
        reach = float(fitted.distance(described).quantile(0.99))
        return cls(mean, scale, fitted.precision, reach)

    def distance(self, described: Tensor) -> Tensor:
        """Mahalanobis distance of pictures, per dimension: about 1 for those that the model learned from.

        Args:
            described: (B, D) features.

        Returns:
            (B,), 0 or more.
        """
        z = (described - self.mean) / self.scale
        return ((z @ self.precision) * z).mean(dim=1).clamp(min=0).sqrt()

    @property
    def limit(self) -> float:
        """Distance above which a picture is unfamiliar to the model."""
        return TOLERANCE * self.reach

    def save(self, path: Path) -> None:
        """Writes float32 tensors as safetensors."""
        tensors = {"mean": self.mean, "scale": self.scale, "precision": self.precision}
        tensors["reach"] = torch.tensor(self.reach)
        save_file({name: value.contiguous() for name, value in tensors.items()}, path)
        path.chmod(0o644)  # safetensors makes the file readable for its owner only

    @classmethod
    def read(cls, path: Path) -> Familiarity:
        """Reads what :meth:`save` wrote.

        Raises:
            InputError: the file is damaged.
        """
        try:
            tensors = load_file(path)
            mean, scale, precision, reach = (tensors[name] for name in ("mean", "scale", "precision", "reach"))
        except (SafetensorError, OSError, KeyError) as error:
            raise InputError(f"{path}: is damaged; remove it, or get the model again") from error
        if not (mean.ndim == 1 and scale.shape == mean.shape and precision.shape == (len(mean), len(mean))):
            raise InputError(f"{path}: its tensors do not fit each other; remove it, or get the model again")
        return cls(mean, scale, precision, float(reach))
