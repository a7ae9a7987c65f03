"""A face with its landmarks -> smiles, frame by frame, in constant memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.ops.landmarks import NUM_LANDMARKS, face_frame, from_face, to_face
from kinema.sequences.landmark_embedding import CoordinateEmbedding
from kinema.systems.framing import to_frames, to_images
from kinema.systems.smile.translator import Face
from kinema.video import resize


class SmilePipeline:
    """A trained model, ready to make faces smile.

    Attributes:
        model: the networks in evaluation mode.
        device: that they run on.
        precision: dtype of the translation; landmarks are always float32.
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

    def prepare(self, source: np.ndarray, landmarks: np.ndarray | Tensor) -> Smile:
        """Everything that is computed once for a face.

        Args:
            source: a picture of a neutral face, uint8 (H, W, 3), framed as the training clips are; it is resized.
            landmarks: (68, 2) points (x, y) in pixels of the picture, 0 the centre of the first.

        Returns:
            An object that makes landmark sequences and frames.

        Raises:
            InputError: the landmarks are of another shape.
        """
        points = torch.as_tensor(landmarks, dtype=torch.float32)
        if points.shape != (NUM_LANDMARKS, 2):
            raise InputError(f"landmarks of shape {tuple(points.shape)}; expected ({NUM_LANDMARKS}, 2) pixels")
        picture = (source.shape[0], source.shape[1])
        small = source if picture == self.size else resize(source, self.size)
        scale = torch.tensor([self.size[1] / picture[1], self.size[0] / picture[0]])
        points = (points + 0.5) * scale - 0.5
        frame = to_frames(small[None]).to(self.device)
        with torch.no_grad(), self.autocast():
            face = self.model.encode(frame, self.scaled(points[None]).to(self.device))
        return Smile(self, face, points)

    def scaled(self, landmarks: Tensor) -> Tensor:
        """Points (..., 68, 2) in pixels of a frame as points in [-1, 1], (..., 68, 2)."""
        height, width = self.size
        return landmarks * landmarks.new_tensor([2 / (width - 1), 2 / (height - 1)]) - 1

    def autocast(self) -> torch.autocast:
        """The forward pass in :attr:`precision`."""
        low = self.precision != torch.float32
        return torch.autocast(self.device.type, dtype=self.precision if low else torch.bfloat16, enabled=low)


class Smile:
    """A prepared face."""

    def __init__(self, pipeline: SmilePipeline, face: Face, landmarks: Tensor) -> None:
        self._pipeline = pipeline
        self._face = face
        self._landmarks = landmarks

    @torch.no_grad()
    def sequences(self, label: str, *, length: int | None = None, intensity: float = 1.0) -> Tensor:
        """What the face may do.

        Args:
            label: class of expression, one of the config's.
            length: T, frames; None is what the model learned.
            intensity: how far the landmarks move, 1 as the model says.

        Returns:
            (K, T, 68, 2) landmarks in pixels of a frame of the model's size, one sequence a mode, the neutral first.

        Raises:
            InputError: the model does not know the label, or embeds drawings, which do not become points.
        """
        model, config = self._pipeline.model, self._pipeline.model.config
        if label not in config.labels:
            raise InputError(f"label '{label}' is unknown to this model; known: {', '.join(config.labels)}")
        if not isinstance(model.embedding, CoordinateEmbedding):
            raise InputError("this model makes drawings of landmarks, not points; use one that embeds coordinates")
        frame = face_frame(self._landmarks)
        neutral = to_face(self._landmarks, frame)
        device = self._pipeline.device
        number = torch.tensor([config.labels.index(label)], device=device)
        made = model(neutral[None].to(device), number, length or config.expressions.length)[0].float().cpu()
        return from_face(neutral + intensity * (made - neutral), frame)

    @torch.no_grad()
    def step(self, landmarks: Tensor) -> np.ndarray:
        """The face with other landmarks.

        Args:
            landmarks: (68, 2) in pixels of a frame of the model's size, such as from :meth:`sequences`.

        Returns:
            A uint8 (height, width, 3) picture of the model's size.
        """
        pipeline = self._pipeline
        scaled = pipeline.scaled(landmarks[None]).to(pipeline.device)
        with pipeline.autocast():
            made = pipeline.model.translator(self._face, scaled).frame
        return to_images(made.float())[0]
