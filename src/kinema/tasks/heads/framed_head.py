# pyright: strict
"""The faces of a photo, each prepared and framed as portraits are, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinema.core.checks import InputError
from kinema.faces.face_pose import FacePose
from kinema.faces.head_pose import angles_of, head_rotation
from kinema.faces.mesh import CHIN, FOREHEAD, FaceMesh
from kinema.systems.abilities import HeadPipeline, PreparedHead
from kinema.video import crop, read_image, resize

# Side of the frame, in lengths from forehead to chin, and how far its middle lies below that of the face.
_SIDE, _BELOW = 1.9, 0.04
# Of the frame's side: what is kept around it, since a moved head brings some of it in.
_AROUND = 0.35
# Degrees; windows, and the drawing of what is around a face, are made for upright ones.
_MOST_ROLL = 35.0
# Pixels of the drawing for one of the frame, and the least side of the drawing's frame: faces should not become so
# small that the points are found less well.
_FINER, _LEAST_SIDE = 2, 384


@dataclass(frozen=True)
class FramedHead:
    """A head and the square of its photo that clips show.

    Attributes:
        head: of the part of the photo around the face, reduced where it has more pixels than clips need.
        left: where the square begins in that part, in pixels.
        top: where it begins from above.
        side: of the square.
    """

    head: PreparedHead[object]
    left: int
    top: int
    side: int

    def draw(
        self, motion: object, size: int, background: NDArray[np.uint8] | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """A frame (size, size, 3), and the person's matte (size, size), None where no outline was found.

        Args:
            motion: of the head.
            size: pixels a side.
            background: of the size of ``head.photo``, behind the person; None is the photo's own.
        """
        box = (self.left, self.top, self.side, self.side)
        if not self.head.locked:
            return resize(crop(self.head.draw(motion), box), (size, size)), None
        drawn = crop(self.head.draw_with_alpha(motion, background=background), box)
        matte = np.repeat(drawn[..., 3:], 3, axis=-1)
        return resize(np.ascontiguousarray(drawn[..., :3]), (size, size)), resize(matte, (size, size))[..., 0]

    def points(self, motion: object, size: int) -> NDArray[np.float64]:
        """The face's points (478, 3) in a frame, in its pixels."""
        scale = size / self.side
        points = self.head.points_after(motion)
        in_frame = (points[:, :2] - (self.left, self.top) + 0.5) * scale - 0.5
        return np.concatenate([in_frame, points[:, 2:] * scale], axis=1)

    def motion_of(self, shown: FacePose, shift: NDArray[np.float64]) -> object:
        """The motion that brings the head into a pose, shifted (2,) right and down by lengths of the face."""
        return self.head.motion_of(shown, (float(shift[0]), float(shift[1])))

    def shift_pixels(self, shifts: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        """Shifts (T, 2) in lengths of the face, as pixels of a frame."""
        return shifts * _length(self.head.mesh) * size / self.side


def framed_heads(path: Path, pipeline: HeadPipeline[object], size: int) -> Iterator[FramedHead | str]:
    """The faces of a photo from left to right; in place of one that cannot be used well, the reason.

    Args:
        path: picture file.
        pipeline: that finds and prepares faces.
        size: of the clips, in pixels.

    Raises:
        InputError: the file cannot be read, or shows no face.
    """
    photo = read_image(path)
    meshes = pipeline.tracker.find(photo)
    if not meshes:
        pipeline.prepare_all(photo)  # says what it needs
        raise InputError("no face was found")
    for mesh in meshes:
        yield _framed(photo, mesh, pipeline, size)


def _framed(photo: NDArray[np.uint8], mesh: FaceMesh, pipeline: HeadPipeline[object], size: int) -> FramedHead | str:
    height, width = photo.shape[:2]
    roll = angles_of(head_rotation(mesh.points))[2]
    if abs(roll) > _MOST_ROLL:
        return f"the face leans by {abs(roll):.0f} degrees; up to {_MOST_ROLL:.0f} it can be used, turn the photo"
    side = min(round(_SIDE * _length(mesh)), height, width)
    x, y = mesh.centre
    left = _within(x - side / 2, width - side)
    top = _within(y + _BELOW * side / _SIDE - side / 2, height - side)
    around = round(_AROUND * side)
    x0, y0 = max(left - around, 0), max(top - around, 0)
    x1, y1 = min(left + side + around, width), min(top + side + around, height)
    part = crop(photo, (x0, y0, x1 - x0, y1 - y0))
    factor = min(max(_FINER * size, _LEAST_SIDE) / side, 1)
    part = resize(part, (round((y1 - y0) * factor), round((x1 - x0) * factor)))
    try:
        heads = pipeline.prepare_all(part)
    except InputError:
        return "the face is not found again when it is seen from near"
    middle = (np.array(mesh.centre) - (x0, y0)) * factor
    head = min(heads, key=lambda one: float(np.linalg.norm(np.array(one.mesh.centre) - middle)))
    if np.linalg.norm(np.array(head.mesh.centre) - middle) > 0.25 * _length(head.mesh):
        return "the face is not found again when it is seen from near"
    remarks = pipeline.remarks_on(head)
    if remarks:
        return remarks[0]
    smaller = min(round(side * factor), *part.shape[:2])
    return FramedHead(
        head,
        _within((left - x0) * factor, part.shape[1] - smaller),
        _within((top - y0) * factor, part.shape[0] - smaller),
        smaller,
    )


def _length(mesh: FaceMesh) -> float:
    """From forehead to chin, in pixels."""
    return float(np.linalg.norm(mesh.points[FOREHEAD] - mesh.points[CHIN]))


def _within(place: float, most: int) -> int:
    return min(max(round(place), 0), most)
