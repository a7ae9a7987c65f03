"""Holds what the pipelines share: a model in evaluation mode, its device, precision and frame size."""

from __future__ import annotations

from typing import Any

import torch

from kinema.systems.familiarity import Familiarity


class ModelPipeline:
    """A trained model, ready for use.

    Attributes:
        model: the networks in evaluation mode.
        device: the device that they run on.
        precision: dtype of the forward pass.
        digest: SHA-256 of the weights' file; "" where there is no file.
        familiarity: measures how similar a picture is to the training pictures; None if it was not fitted.
    """

    digest = ""
    familiarity: Familiarity | None = None

    def __init__(
        self, model: Any, *, device: torch.device | str = "cpu", precision: torch.dtype = torch.float32
    ) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.device = torch.device(device)
        self.precision = precision

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames that the model learned from and generates."""
        return self.model.config.size

    def autocast(self) -> torch.autocast:
        """A context that runs the forward pass in :attr:`precision`."""
        low = self.precision != torch.float32
        return torch.autocast(self.device.type, dtype=self.precision if low else torch.bfloat16, enabled=low)
