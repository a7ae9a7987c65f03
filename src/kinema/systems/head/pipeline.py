"""Finds faces in photos and prepares them to be moved: what users of ``kinema.load("head")`` call."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from kinema.core.checks import InputError
from kinema.faces.drive import Drive
from kinema.faces.head_pose import angles_of, head_rotation
from kinema.faces.mesh import EYES, FaceMesh, opening
from kinema.faces.mesh_tracker import MeshTracker
from kinema.faces.person_matte import PersonMatte
from kinema.synthesis.sheet import smoothstep
from kinema.systems.familiarity import Familiarity
from kinema.systems.head.driver import Driver
from kinema.systems.head.model import HeadModel
from kinema.systems.head.portrait import Portrait

# Under so many pixels from forehead to chin a face has few pixels to move.
LEAST_FACE_PX = 80
MOST_SOURCE_TURN = 25.0
# Gap of the lids in widths of the eye under which an eye is shut.
_SHUT = 0.12


class HeadPipeline:
    """A mean head, a face tracker and a matte, ready to move photographed faces.

    Attributes:
        model: the mean head.
        device: always the CPU.
        precision: always float32.
        digest: SHA-256 of the weights' file; "" where there is no file.
        familiarity: None: whether there is a face says what fits.
    """

    digest = ""
    familiarity: Familiarity | None = None

    def __init__(
        self, model: HeadModel, *, device: torch.device | str = "cpu", precision: torch.dtype = torch.float32
    ) -> None:
        """Takes the mean head; ``device`` and ``precision`` are those of other systems and change nothing.

        Raises:
            MissingExtraError: the extra ``head`` is not installed.
        """
        self.model = model.eval().requires_grad_(False)
        self.device, self.precision = torch.device("cpu"), torch.float32
        self.tracker = MeshTracker()

    @cached_property
    def _matte(self) -> PersonMatte:
        return PersonMatte()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the map of triangles; pictures keep their own."""
        return self.model.config.size

    def find_faces(self, image: NDArray[np.uint8]) -> tuple[FaceMesh, ...]:
        """The faces of a picture uint8 (H, W, 3), from left to right."""
        return tuple(sorted(self.tracker.find(image), key=lambda face: face.centre[0]))

    def prepare(self, photo: NDArray[np.uint8], *, face: int | None = None, lock_background: bool = True) -> Portrait:
        """Everything that is computed once for one face of a photo.

        Args:
            photo: uint8 (H, W, 3) of any size.
            face: which face is meant, counted from 1 and from left to right; None where there is one.
            lock_background: keep the ground behind the person where it is.

        Raises:
            InputError: there is no face, or several and ``face`` does not say which.
        """
        faces = self.find_faces(photo)
        return self._portrait(photo, choose(faces, photo, face), faces, lock_background)

    def prepare_all(self, photo: NDArray[np.uint8], *, lock_background: bool = True) -> tuple[Portrait, ...]:
        """As :meth:`prepare`, for every face of a photo.

        Raises:
            InputError: there is none.
        """
        faces = self.find_faces(photo)
        if not faces:
            choose(faces, photo, None)
        return tuple(self._portrait(photo, face, faces, lock_background) for face in faces)

    def remarks_on(self, portrait: Portrait) -> tuple[str, ...]:
        """What makes a photo hard to move, each in one sentence without a full stop."""
        return remarks_on(portrait)

    def driver(self, portrait: Portrait, drive: Drive | None = None) -> Driver:
        """What follows a driving face with a portrait."""
        return Driver(portrait, drive, most_turn=self.model.config.most_turn)

    def _portrait(
        self, photo: NDArray[np.uint8], face: FaceMesh, faces: tuple[FaceMesh, ...], lock_background: bool
    ) -> Portrait:
        alpha = self._matte.matte(photo)
        for other in faces:
            if other is not face:
                alpha = alpha * _nearer(photo.shape, face, other)
        alone = len(faces) == 1
        return Portrait(self.model, photo, face, alpha, lock_background=lock_background, alone=alone)


def choose(faces: tuple[FaceMesh, ...], photo: NDArray[np.uint8], number: int | None) -> FaceMesh:
    """The face that is meant.

    Args:
        faces: of the photo, from left to right.
        photo: uint8 (H, W, 3).
        number: counted from 1; None where there is one.

    Raises:
        InputError: there is none, none of that number, or several and no number.
    """
    height, width = photo.shape[:2]
    if not faces:
        raise InputError(
            f"no face was found in {width}x{height} pixels; give a photo in which a face is upright, mostly frontal "
            f"and at least {LEAST_FACE_PX} pixels high, or animate it with a model that needs no face"
        )
    if number is None and len(faces) > 1:
        places = ", ".join(f"{row} at x {face.centre[0]:.0f}" for row, face in enumerate(faces, 1))
        raise InputError(f"shows {len(faces)} faces; say which by --face N ({places}), or --face all")
    if number is not None and not 1 <= number <= len(faces):
        raise InputError(f"--face {number}: there are {len(faces)} faces, counted from 1 and from left to right")
    return faces[(number or 1) - 1]


def remarks_on(portrait: Portrait) -> tuple[str, ...]:
    """What makes a photo hard to move, each in one sentence without a full stop."""
    said = []
    if portrait.length < LEAST_FACE_PX:
        said.append(
            f"the face is {portrait.length:.0f} pixels high; from {LEAST_FACE_PX} on there are enough to move it well"
        )
    yaw, pitch, _ = angles_of(head_rotation(portrait.points))
    turned = max(abs(yaw), abs(pitch))
    if turned > MOST_SOURCE_TURN:
        said.append(
            f"the face is turned by {turned:.0f} degrees; beyond {MOST_SOURCE_TURN:.0f} its far side is not in "
            "the photo and will look stretched"
        )
    if all(opening(portrait.points, eye) < _SHUT for eye in range(len(EYES))):
        said.append("the eyes are shut, and what is behind the lids is not in the photo: they will stay shut")
    return tuple(said)


def _nearer(shape: tuple[int, ...], face: FaceMesh, other: FaceMesh) -> NDArray[np.float32]:
    """(H, W) 1 where a picture is nearer to one face than to another, in sizes of the faces; soft in between."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    own = np.hypot(x - face.centre[0], y - face.centre[1]) / face.span
    their = np.hypot(x - other.centre[0], y - other.centre[1]) / other.span
    return smoothstep((their - own) / 0.2 + 0.5).astype(np.float32)
