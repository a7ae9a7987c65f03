"""Generates smiles from a face with its landmarks, frame by frame, in constant memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.faces.landmark_maps import face_to_drawing
from kinema.faces.landmarks import NUM_LANDMARKS, FaceFrame, face_frame, from_face, to_face
from kinema.faces.paste import FacePaste, GeneratedFrame
from kinema.faces.window import FaceWindow
from kinema.framing.pixels import to_frames, to_images
from kinema.ops.grid import identity_grid
from kinema.ops.warp import warp
from kinema.sequences.landmark_embedding import CoordinateEmbedding, Neutral
from kinema.systems.face_inputs import count_rounds, draw_codes, face_points, label_number
from kinema.systems.pipeline import ModelPipeline
from kinema.systems.smile.translator import Face, UNetTranslator
from kinema.video import resize


class SmilePipeline(ModelPipeline):
    """A trained model, ready to make faces smile; its precision is that of the frames, landmarks are always float32."""

    has_landmarks = True

    def prepare(self, source: np.ndarray, landmarks: np.ndarray | Tensor) -> Smile:
        """Everything that is computed once for a face.

        Args:
            source: a picture of a neutral face, uint8 (H, W, 3), framed as the training clips are; it is resized.
            landmarks: (68, 2) points (x, y) in pixels of the picture, 0 the centre of the first.

        Returns:
            An object that generates landmark sequences and frames.

        Raises:
            InputError: the landmarks are of another shape.
        """
        points = face_points(landmarks)
        picture = (source.shape[0], source.shape[1])
        small = source if picture == self.size else resize(source, self.size)
        scale = torch.tensor([self.size[1] / picture[1], self.size[0] / picture[0]])
        return self.of_frame(to_frames(small), (points + 0.5) * scale - 0.5)

    def of_frame(self, frame: Tensor, landmarks: Tensor) -> Smile:
        """The same for a frame (1, 3, height, width) in [0, 1] of the model's size and (68, 2) in its pixels."""
        with torch.no_grad(), self.autocast():
            face = self.model.encode(frame.to(self.device), self.scaled(landmarks[None]).to(self.device))
        return Smile(self, face, landmarks)

    def in_photo(self, photo: np.ndarray, landmarks: np.ndarray | Tensor) -> SmilePhoto:
        """A face anywhere in a photo, uint8 (H, W, 3), with (68, 2) landmarks in its pixels, 0 the first's centre."""
        return SmilePhoto(self, photo, face_points(landmarks))

    def scaled(self, landmarks: Tensor) -> Tensor:
        """Points (..., 68, 2) in pixels of a frame as points in [-1, 1], (..., 68, 2)."""
        height, width = self.size
        return landmarks * landmarks.new_tensor([2 / (width - 1), 2 / (height - 1)]) - 1


class Smile:
    """A prepared face."""

    def __init__(self, pipeline: SmilePipeline, face: Face, landmarks: Tensor) -> None:
        self._pipeline = pipeline
        self._face = face
        self._landmarks = landmarks

    @torch.no_grad()
    def sequences(
        self,
        label: str,
        *,
        modes: int | None = None,
        length: int | None = None,
        intensity: float = 1.0,
        seed: int | None = None,
    ) -> Tensor:
        """Sequences that begin with the neutral face.

        Args:
            label: class of expression, one of the config's.
            modes: K; None: the number of modes of the model. For more, the modes are repeated with other codes
                of the face.
            length: T, in frames; None: the length of the training clips.
            intensity: scale of the movement of the landmarks, 1 for that of the model.
            seed: of the random code of the face; None takes the most likely code.

        Returns:
            (K, T, 68, 2) landmarks in pixels of a frame of the model's size, each with the neutral face first.

        Raises:
            InputError: the model does not know the label, or generates drawings instead of points; or modes is 0.
        """
        if not isinstance(self._pipeline.model.embedding, CoordinateEmbedding):
            raise InputError("this model generates drawings of landmarks, not points; use one that embeds coordinates")
        neutral, frame = self._own()
        moved = neutral + intensity * (self._decoded(label, modes, length, seed) - neutral)
        return from_face(moved.float().cpu(), frame)

    def drawings(
        self, label: str, *, modes: int | None = None, length: int | None = None, seed: int | None = None
    ) -> Tensor:
        """The same as drawings; a model with the paper's representation generates only these.

        Args:
            label: as in :meth:`sequences`, like the other arguments.

        Returns:
            (K, T, height, width) in [0, 1], lines on black where they are in a frame of the model's size.

        Raises:
            InputError: the model does not know the label, or modes is 0.
        """
        embedding = self._pipeline.model.embedding
        with torch.no_grad():
            drawn = embedding.picture(self._decoded(label, modes, length, seed))  # (K, T, S, S)
        size, (_, frame) = self._pipeline.size, self._own()
        pixels = (identity_grid(size) + 1) / 2 * torch.tensor([size[1] - 1.0, size[0] - 1.0])
        grid = face_to_drawing(to_face(pixels.flatten(0, 1), frame)).unflatten(0, size)
        return warp(drawn.float().cpu(), grid.expand(len(drawn), -1, -1, -1))

    @torch.no_grad()
    def generate(self, time_step: Tensor) -> GeneratedFrame:
        """The face at a time step of a sequence: a frame, and the source positions of its pixels.

        Args:
            time_step: landmarks (68, 2) in pixels of a frame, or a drawing (height, width) of them.

        Raises:
            InputError: a drawing is given, and the model's translator moves points.
        """
        pipeline, translator = self._pipeline, self._pipeline.model.translator
        if time_step.shape == (NUM_LANDMARKS, 2):
            scaled = pipeline.scaled(time_step[None]).to(pipeline.device)
            with pipeline.autocast():
                generated = translator(self._face, scaled)
        elif isinstance(translator, UNetTranslator):
            with pipeline.autocast():
                generated = translator.translate(self._face, time_step[None, None].to(pipeline.device))
        else:
            raise InputError(
                "this model's landmarks are drawings, but its translator moves points; train a model whose parts agree"
            )
        moved = generated.moved
        if moved is None:
            return GeneratedFrame(generated.frame.float().cpu())
        return GeneratedFrame(*(maps.float().cpu() for maps in (generated.frame, moved.alpha, moved.deformation)))

    def _own(self) -> tuple[Tensor, FaceFrame]:
        """The landmarks in the coordinates of the face, (68, 2), and the position of the face in the frame."""
        frame = face_frame(self._landmarks)
        return to_face(self._landmarks, frame), frame

    @torch.no_grad()
    def _decoded(self, label: str, modes: int | None, length: int | None, seed: int | None) -> Tensor:
        """(K, T, ...) as the embedding decodes it."""
        model, config, device = self._pipeline.model, self._pipeline.model.config, self._pipeline.device
        number = label_number(label, config.labels).to(device)
        count, rounds = count_rounds(modes, config.landmarks.num_modes)
        neutral = self._own()[0][None].to(device)
        frames = length or config.expressions.length
        generated = [
            model.follow(Neutral(neutral, codes), number, frames)[0]
            for codes in draw_codes(*model.embedding.encode(neutral), rounds=rounds, seed=seed)
        ]
        return torch.cat(generated)[:count]

    def step(self, landmarks: Tensor) -> np.ndarray:
        """The face with other landmarks.

        Args:
            landmarks: (68, 2) in pixels of a frame of the model's size, such as from :meth:`sequences`.

        Returns:
            A uint8 (height, width, 3) picture of the model's size.
        """
        return to_images(self.generate(landmarks).frame)[0]


class SmilePhoto:
    """A face in a photo."""

    def __init__(self, pipeline: SmilePipeline, photo: np.ndarray, landmarks: Tensor) -> None:
        self._pipeline = pipeline
        window = FaceWindow.about(landmarks, pipeline.size)
        self._neutral = window.to_frame(landmarks)
        self._smile = pipeline.of_frame(window.cut(photo), self._neutral)
        self._paste = FacePaste(photo, window, landmarks)
        self._paste.hold(self._smile.generate(self._neutral))

    def sequences(
        self, label: str, *, modes: int, length: int | None = None, intensity: float = 1.0, seed: int | None = None
    ) -> Tensor:
        """Landmarks (K, T, 68, 2) as :meth:`Smile.sequences` gives them, or drawings if the model generates those."""
        if isinstance(self._pipeline.model.embedding, CoordinateEmbedding):
            return self._smile.sequences(label, modes=modes, length=length, intensity=intensity, seed=seed)
        if intensity != 1:
            raise InputError(
                f"intensity {intensity}: this model generates drawings of landmarks, which cannot be scaled; give 1"
            )
        return self._smile.drawings(label, modes=modes, length=length, seed=seed)

    def picture(self, time_step: Tensor) -> np.ndarray:
        """The photo at a time step of a sequence: uint8 (H, W, 3) of the photo's size."""
        return self._paste.paste(self._smile.generate(time_step))
