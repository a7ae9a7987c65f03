"""A picture of a neutral face and a label -> frames, one after the other, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from kinema.core.checks import InputError
from kinema.systems.framing import to_frames, to_images
from kinema.video import resize


class ExpressionGanPipeline:
    """A trained model, ready to make faces move.

    Attributes:
        model: the networks in evaluation mode.
        device: that they run on.
        precision: dtype of the forward pass.
    """

    def __init__(
        self, model: Any, *, device: torch.device | str = "cpu", precision: torch.dtype = torch.float32
    ) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.device = torch.device(device)
        self.precision = precision

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames it learned from and makes."""
        return self.model.config.size

    def frames(self, source: np.ndarray, label: str, *, length: int | None = None) -> Iterator[np.ndarray]:
        """A video of a face.

        Args:
            source: a picture of a neutral face, uint8 (H, W, 3), framed as the training clips are; it is resized.
            label: class of expression, one of the config's.
            length: T, frames; None is what the model learned.

        Yields:
            uint8 (height, width, 3) pictures of the model's size, the redrawn neutral one first.

        Raises:
            InputError: the model does not know the label.
        """
        config = self.model.config
        if label not in config.labels:
            raise InputError(f"label '{label}' is unknown to this model; known: {', '.join(config.labels)}")
        small = source if source.shape[:2] == self.size else resize(source, self.size)
        number = torch.tensor([config.labels.index(label)], device=self.device)
        low = self.precision != torch.float32
        context = torch.autocast(self.device.type, dtype=self.precision if low else torch.bfloat16, enabled=low)
        with torch.no_grad(), context:
            face = self.model.encode(to_frames(small[None]).to(self.device))
            codes = self.model.codes(face.mean, number, length or config.expressions.length)
        for moment in range(codes.shape[1]):
            with torch.no_grad(), context:
                frames = self.model.decode(codes[:, moment : moment + 1], face)[0]
            yield to_images(frames.float())[0]
