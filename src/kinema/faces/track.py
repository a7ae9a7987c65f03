"""Tracks one person's face through the frames of a video."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kinema.faces.detector import FoundFace, find_faces, find_faces_near

# Half the side of the square that is searched, in widths of the face, and its growth for each frame without the face.
_REACH, _GROWTH = 1.5, 0.25


class FaceTrack:
    """Follows a face by its position in the frame before, instead of taking the largest face of each frame."""

    def __init__(self, choose: Callable[[tuple[FoundFace, ...]], FoundFace]) -> None:
        """Takes a function that chooses one of the faces, the largest first, of the first frame that shows any."""
        self._choose = choose
        self._last: FoundFace | None = None
        self._missed = 0

    def step(self, image: np.ndarray) -> FoundFace | None:
        """The face in the next frame.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            The face, or None if it is not found.

        Raises:
            InputError: raised by the function that chooses.
            MissingExtraError: the extra ``face`` is not installed.
        """
        if self._last is None:
            faces = find_faces(image)
            face = self._choose(faces) if faces else None
        else:
            near = find_faces_near(image, self._last, _REACH + _GROWTH * self._missed)
            face = near[0] if near else None
        self._missed = self._missed + 1 if face is None else 0
        self._last = face or self._last
        return face
