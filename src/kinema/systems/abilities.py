# pyright: strict
"""Defines the interfaces of loaded models, one for each ability, that tasks, evaluation and games rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from kinema.core.types import Joints, Keypoints, TensorGroup
from kinema.faces.drive import Drive
from kinema.faces.face_pose import FacePose
from kinema.faces.mesh import FaceMesh
from kinema.faces.mesh_tracker import MeshTracker
from kinema.framing.window import CropMode, Framing
from kinema.systems.animation import Animation
from kinema.systems.familiarity import Familiarity


class Pipeline(Protocol):
    """The interface of every loaded model.

    Attributes:
        model: the networks in evaluation mode, of the system's own class.
        device: the device that they run on.
        precision: dtype of the forward pass.
        digest: SHA-256 of the weights' file; "" where there is no file.
        familiarity: measures how similar a picture is to the training pictures; None if it was not fitted.
    """

    model: Any
    device: torch.device
    precision: torch.dtype
    digest: str
    familiarity: Familiarity | None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames that the model learned from."""
        ...


class AnimationPipeline(Pipeline, Protocol):
    """Serves ``animate``: a still moves as driving frames do.

    Attributes:
        has_parts: whether the model also separates the parts of an object from the background.
    """

    has_parts: bool

    def with_options(self, **options: bool) -> Self:
        """The same model, with options of the transfer that only some systems have, such as ``clip_mean``.

        Raises:
            InputError: the model's transfer has no such option.
        """
        ...

    def frame(self, image: np.ndarray, crop: CropMode, *, size: tuple[int, int] | None = None) -> Framing:
        """The part of a picture uint8 (H, W, 3) that the model sees, and the size at which it sees it."""
        ...

    def detect(self, frames: np.ndarray | Tensor) -> Keypoints:
        """Keypoints of frames (B, 3, H, W) in [0, 1] or of a uint8 picture (H, W, 3)."""
        ...

    def describe(self, frames: Tensor) -> Tensor:
        """Statistics (B, D) of the detector's features for frames (B, 3, H, W), for :class:`Familiarity`."""
        ...

    def find_anchor(self, source: Tensor, driving: Iterable[Tensor | Keypoints]) -> tuple[int, Keypoints]:
        """Index and keypoints of the frame of batches (B, 3, H, W) whose pose is closest to the source (1, 3, H, W)."""
        ...

    def prepare(
        self,
        source: np.ndarray | Tensor,
        *,
        relative: bool = True,
        adapt_scale: bool = False,
        anchor: Keypoints | np.ndarray | Tensor | None = None,
        crop: CropMode = "auto",
        motion: float = 1.0,
    ) -> Animation:
        """Everything that is computed once for a source, uint8 (H, W, 3) or (1, 3, H, W) in [0, 1]."""
        ...


class PredictionPipeline(AnimationPipeline, Protocol):
    """Serves ``predict``: a still moves as the model predicts."""

    def predict(self, animation: Animation, length: int, *, seed: int | None = None) -> Iterator[Tensor]:
        """The frames after a source, batches (B, 3, H, W) in [0, 1]."""
        ...

    def predict_keypoints(self, kp_source: Keypoints, length: int, *, seed: int | None = None) -> Iterator[Keypoints]:
        """The keypoints of these frames, batches of rows (B, K, 2)."""
        ...


class PartsPipeline(AnimationPipeline, Protocol):
    """Serves ``parts`` and ``swap``: an object's parts, found without labels."""

    @property
    def num_parts(self) -> int:
        """K, without the background."""
        ...

    def segment(self, frames: Tensor) -> Tensor:
        """Weights (B, K + 1, h, w), sum 1, of frames (B, 3, H, W) in [0, 1]; index 0 is the background."""
        ...

    def labels(self, images: np.ndarray) -> np.ndarray:
        """The part of each pixel, uint8 (T, H, W), of pictures uint8 (T, H, W, 3)."""
        ...

    def check_parts(self, parts: Sequence[int]) -> None:
        """Refuses parts that the model does not have.

        Raises:
            InputError: a number is above K or below 0, or none is given.
        """
        ...

    def swap(
        self,
        animation: Animation,
        target: Tensor,
        parts: Sequence[int],
        *,
        hard: bool = False,
        of_source: bool = False,
        segmentation: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Target frames (B, 3, H, W) whose parts come from a source, and the alpha (B, 1, h', w') of the source."""
        ...


class PreparedPerson(Protocol):
    """A person of a photo, encoded."""

    def step_with_matte(
        self, joints: Joints, *, background: np.ndarray | None = None
    ) -> tuple[np.ndarray, Tensor | None]:
        """A picture uint8 (height, width, 3) in a pose (1, 18, 2), and the person's matte (1, 1, height, width)."""
        ...


class PosePipeline(Pipeline, Protocol):
    """Serves ``repose``: a person takes another pose."""

    @property
    def has_matte(self) -> bool:
        """Whether the model generates a matte of the person."""
        ...

    @property
    def sees_background(self) -> bool:
        """Whether the model generates the person in front of a given background."""
        ...

    def prepare(self, source: np.ndarray, joints: Joints) -> PreparedPerson:
        """Encodes the person of a picture uint8 (H, W, 3) with joints (1, 18, 2) in its pixels."""
        ...

    def repose(self, frames: Tensor, joints_source: Joints, joints_driving: Joints) -> Tensor:
        """People of frames (B, 3, height, width) in other poses, B rows each."""
        ...


class PreparedFace(Protocol):
    """A face of a photo, encoded."""

    def sequences(
        self, label: str, *, modes: int, length: int | None = None, intensity: float = 1.0, seed: int | None = None
    ) -> Tensor:
        """K sequences of the face, (K, T, ...); each begins with the neutral face."""
        ...

    def picture(self, time_step: Tensor) -> np.ndarray:
        """The photo, uint8 (H, W, 3), at one time step (...) of a sequence."""
        ...


class FacePipeline(Pipeline, Protocol):
    """Serves ``smile``: a neutral face shows an expression.

    Attributes:
        has_landmarks: whether the model's sequences are landmarks, which protocols can measure.
    """

    has_landmarks: bool

    def in_photo(self, photo: np.ndarray, landmarks: np.ndarray | Tensor) -> PreparedFace:
        """A face anywhere in a photo uint8 (H, W, 3), by its (68, 2) landmarks in pixels."""
        ...


State = TypeVar("State", bound=TensorGroup)


class GamePipeline(Pipeline, Protocol[State]):
    """Serves ``play``: an action gives the next frame; the state of a game is the caller's."""

    @property
    def num_actions(self) -> int:
        """A, actions are 0 to A - 1."""
        ...

    def start(self, frames: np.ndarray) -> State:
        """A new game after true frames uint8 (T, H, W, 3)."""
        ...

    def step(self, game: State, action: int, variation: Tensor | None = None) -> tuple[np.ndarray, State]:
        """The frame uint8 (height, width, 3) after an action, and the game after it; variation (1, d)."""
        ...

    def recognise(self, frames: np.ndarray) -> list[int]:
        """The most likely action between each of T frames uint8 (T, H, W, 3) and the next."""
        ...


Moved = TypeVar("Moved")


class PreparedHead(Protocol[Moved]):
    """A face of a photo, ready to be moved.

    Attributes:
        photo: uint8 (H, W, 3).
        mesh: the face's points in it.
        locked: whether a person was found around the face, and the ground behind stays.
    """

    photo: np.ndarray
    mesh: FaceMesh
    locked: bool

    def draw(self, motion: Moved) -> np.ndarray:
        """The photo, uint8 (H, W, 3), with the head in motion."""
        ...

    def draw_with_alpha(self, motion: Moved, *, background: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`draw`, with how much of each pixel is the person's: uint8 (H, W, 4).

        A ``background`` uint8 (H, W, 3) is shown behind the person in place of the photo's own.

        Raises:
            InputError: no person was found around the face, or the background has another size.
        """
        ...

    def points_after(self, motion: Moved) -> np.ndarray:
        """The face's points (478, 3) in motion, in pixels of the photo."""
        ...

    def motion_of(self, shown: FacePose, shift: tuple[float, float] = (0.0, 0.0)) -> Moved:
        """The motion that brings the head into a pose, shifted right and down by lengths from forehead to chin."""
        ...

    def pose(self, shown: FacePose | None = None, /, **sliders: float) -> np.ndarray:
        """The photo, uint8 (H, W, 3), with the head in a pose, which sliders change."""
        ...


class HeadDriver(Protocol[Moved]):
    """Follows one driving face with one photographed head.

    Attributes:
        lost: frames without a face so far.
        cuts: jumps so far that were taken for cuts.
        absolute: whether the head takes the driver's own pose; None before the first face.
    """

    lost: int
    cuts: int
    absolute: bool | None

    def step(self, mesh: FaceMesh | None, time: float, image: np.ndarray | None = None) -> Moved:
        """The head's motion at a frame uint8 (H, W, 3), ``time`` in seconds, by the driving face in it."""
        ...

    def take(self, mesh: FaceMesh) -> Moved:
        """The head's motion towards what one picture of a face shows, which has no frames before it."""
        ...

    def move_to(self, portrait: PreparedHead[Moved]) -> None:
        """Goes on with another photo of a face, such as the next frame of a clip."""
        ...

    def begin_at(self, mesh: FaceMesh) -> None:
        """Counts motion from a face, where that is not the one of the first frame."""
        ...

    def calibrate(self) -> None:
        """Takes the next frame's face for the one from which motion is counted."""
        ...


@runtime_checkable
class HeadPipeline(Pipeline, Protocol[Moved]):
    """Serves ``face``: a photographed head at the photo's own size follows a face, by points that are tracked in it.

    Attributes:
        tracker: finds a driving face, and follows it from frame to frame.
    """

    tracker: MeshTracker

    def prepare(
        self, photo: np.ndarray, *, face: int | None = None, lock_background: bool = True
    ) -> PreparedHead[Moved]:
        """Everything that is computed once for one face of a photo uint8 (H, W, 3).

        Raises:
            InputError: there is no face, or several and ``face``, counted from 1 and from left to right, does not say
                which.
        """
        ...

    def remarks_on(self, portrait: PreparedHead[Moved]) -> tuple[str, ...]:
        """What makes a photo hard to move, each in one sentence without a full stop."""
        ...

    def prepare_all(self, photo: np.ndarray, *, lock_background: bool = True) -> tuple[PreparedHead[Moved], ...]:
        """As :meth:`prepare`, for every face of a photo, from left to right.

        Raises:
            InputError: there is none.
        """
        ...

    def driver(self, portrait: PreparedHead[Moved], drive: Drive | None = None) -> HeadDriver[Moved]:
        """What follows a driving face with a prepared one; ``drive`` says how."""
        ...
