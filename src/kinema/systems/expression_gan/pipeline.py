"""Generates frames one after the other from a neutral face and a label, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from kinema.faces.paste import FacePaste, GeneratedFrame
from kinema.faces.window import FaceWindow
from kinema.framing.pixels import to_frames, to_images
from kinema.ops.grid import identity_grid
from kinema.systems.face_inputs import count_rounds, draw_codes, face_points, label_number
from kinema.systems.pipeline import ModelPipeline
from kinema.video import resize


class ExpressionGanPipeline(ModelPipeline):
    """A trained model, ready to make faces move."""

    has_landmarks = False

    def frames(self, source: np.ndarray, label: str, *, length: int | None = None) -> Iterator[np.ndarray]:
        """A video of a face.

        Args:
            source: a picture of a neutral face, uint8 (H, W, 3), framed as the training clips are; it is resized.
            label: class of expression, one of the config's.
            length: T, in frames; None: the length of the training clips.

        Yields:
            uint8 (height, width, 3) pictures of the model's size, the redrawn neutral one first.

        Raises:
            InputError: the model does not know the label.
        """
        small = source if source.shape[:2] == self.size else resize(source, self.size)
        face = Expression(self, to_frames(small))
        for code in face.codes(label, length=length)[0]:
            yield to_images(face.generate(code).frame)[0]

    def in_photo(self, photo: np.ndarray, landmarks: np.ndarray | Tensor) -> ExpressionPhoto:
        """A face anywhere in a photo, uint8 (H, W, 3), with (68, 2) landmarks in its pixels, 0 the first's centre."""
        return ExpressionPhoto(self, photo, face_points(landmarks))


class Expression:
    """A face that is encoded already."""

    def __init__(self, pipeline: ExpressionGanPipeline, frame: Tensor) -> None:
        """Takes a frame (1, 3, height, width) in [0, 1] of the model's size."""
        self._pipeline = pipeline
        with torch.no_grad(), pipeline.autocast():
            self._face = pipeline.model.encode(frame.to(pipeline.device))

    @property
    def neutral(self) -> Tensor:
        """Its most likely code: (B, d) without the first axis, (d,)."""
        return self._face.mean[0].float()

    @torch.no_grad()
    def codes(
        self,
        label: str,
        *,
        modes: int = 1,
        length: int | None = None,
        intensity: float = 1.0,
        seed: int | None = None,
    ) -> Tensor:
        """Sequences that begin with the neutral face.

        Args:
            label: class of expression, one of the config's.
            modes: K; the model has one mode, more are random variations of it.
            length: T, in frames; None: the length of the training clips.
            intensity: scale of the movement of the codes, 1 for that of the model.
            seed: of the random neutral code; None takes the most likely code.

        Returns:
            (K, T, d), each with the neutral face first.

        Raises:
            InputError: the model does not know the label, or modes is 0.
        """
        model, face = self._pipeline.model, self._face
        config = model.config
        number = label_number(label, config.labels).to(self._pipeline.device)
        count, rounds = count_rounds(modes, 1)
        with self._pipeline.autocast():
            sequences = [
                model.codes(start, number, length or config.expressions.length)
                for start in draw_codes(face.mean.float(), face.log_variance.float(), rounds=rounds, seed=seed)
            ]
        codes = torch.cat(sequences)[:count]
        return self.neutral + intensity * (codes - codes[:, :1])

    @torch.no_grad()
    def generate(self, code: Tensor) -> GeneratedFrame:
        """The face of a code (d,): a frame (1, 3, H, W), and the neutral frame's alpha if the decoder blends it."""
        face = self._face
        with self._pipeline.autocast():
            frame, alpha = self._pipeline.model.generator.blend(code[None], face.size, face.maps)
        if alpha is None:
            return GeneratedFrame(frame.float().cpu())
        return GeneratedFrame(frame.float().cpu(), alpha.float().cpu(), identity_grid(face.size)[None])


class ExpressionPhoto:
    """A face in a photo."""

    def __init__(self, pipeline: ExpressionGanPipeline, photo: np.ndarray, landmarks: Tensor) -> None:
        window = FaceWindow.about(landmarks, pipeline.size)
        self._face = Expression(pipeline, window.cut(photo))
        self._paste = FacePaste(photo, window, landmarks)
        self._paste.hold(self._face.generate(self._face.neutral))

    def sequences(
        self, label: str, *, modes: int, length: int | None = None, intensity: float = 1.0, seed: int | None = None
    ) -> Tensor:
        """Codes (K, T, d) as :meth:`Expression.codes` gives them."""
        return self._face.codes(label, modes=modes, length=length, intensity=intensity, seed=seed)

    def picture(self, time_step: Tensor) -> np.ndarray:
        """The photo at a time step of a sequence, (d,): uint8 (H, W, 3) of the photo's size."""
        return self._paste.paste(self._face.generate(time_step))
