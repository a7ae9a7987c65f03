"""Builds the sheet around a face: a grid with depth for hair, ears, neck and ground, joined to the face's outline.

The face itself has measured points. Around it a picture says nothing of depth, so grid points take that of a mean
head brought onto this one. How far a point follows the head is fixed on the head, the body and the ground, and
harmonic (as smooth as it can be) in between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinema.core.compiled_imaging import opencv, scipy_part

# In face lengths (forehead to chin).
_NEAR_CHIN, _NECK_LENGTH, _FAR_FROM_PERSON = 0.10, 0.55, 0.55
_OUTLINE_REACH, _SHOULDERS = 0.45, 0.8
# How far the body goes along when the head shifts.
_BODY_SHIFT = 0.35
# Alpha from which on a pixel is the person's.
_PERSON = 0.4
# Depth per pixel away from the outline: true depth would fold the sheet over when the head turns by 20 degrees, and
# with none at all the cheek would cover the nearer ear.
_LEAST_SLOPE, _MOST_SLOPE = 0.15, 0.5
_SMOOTHINGS = 6


@dataclass(frozen=True)
class Sheet:
    """What lies around a face, as a mesh of N points; pixels with 0 at the centre of the first, z smaller is nearer.

    Attributes:
        points: (N, 3).
        turns: (N,) in [0, 1], how far a point follows the head's rotation and scale.
        shifts: (N,) in [0, 1], how far a point follows the head's shift.
        outline: (N, O) weights with which a point follows the expression of the face's O outline points.
        triangles: (T, 3) indices into the sheet's points followed by the face's points.
    """

    points: NDArray[np.float64]
    turns: NDArray[np.float64]
    shifts: NDArray[np.float64]
    outline: NDArray[np.float64]
    triangles: NDArray[np.int64]


@dataclass(frozen=True)
class FaceOutline:
    """Where a face ends.

    Attributes:
        points: (O, 3) around the face, in order.
        indices: (O,) of them among the face's points.
        forehead: (2,) uppermost point of the face.
        chin: (2,) lowest one.
    """

    points: NDArray[np.float64]
    indices: NDArray[np.int64]
    forehead: NDArray[np.float64]
    chin: NDArray[np.float64]


def build_sheet(alpha: NDArray[np.float32], face: FaceOutline, skull: NDArray[np.float64], *, cells: int) -> Sheet:
    """The sheet of a picture.

    Args:
        alpha: (H, W) in [0, 1], how far each pixel is the person's.
        face: its outline.
        skull: (S, 3) points of a mean head in place of this one.
        cells: of the grid along the longer side.
    """
    cv2 = opencv()
    factorized = scipy_part("sparse.linalg").factorized
    spatial = scipy_part("spatial")
    Delaunay, cKDTree = spatial.Delaunay, spatial.cKDTree

    grid = _Grid(alpha.shape, cells)
    xy, step = grid.points, grid.step
    ring = face.points[:, :2].astype(np.float32)
    inside = np.array([cv2.pointPolygonTest(ring, (float(x), float(y)), True) for x, y in xy])  # px, + inside
    up = face.forehead - face.chin
    length = float(np.linalg.norm(up))
    down = (xy - face.chin) @ (-up / length) / length  # 0 at the chin, 1 a face length below it
    soft = cv2.GaussianBlur(alpha, (0, 0), max(length * 0.01, 0.5))
    person = grid.sample(soft) > _PERSON
    outside = cv2.distanceTransform((soft < _PERSON).astype(np.uint8), cv2.DIST_L2, 5)
    away = grid.sample(np.asarray(outside, dtype=np.float32)) / length
    border = grid.border

    head = np.where(person, 1 - smoothstep((down + _NEAR_CHIN) / _NECK_LENGTH), 0.0)
    head = np.where(border, 0.0, np.where(inside > 0, 1.0, head))
    fixed = (inside > 0) | (person & ((down < 0) | (down > 0.15))) | border | (away > _FAR_FROM_PERSON)
    turns = grid.harmonic(fixed, head)
    body = np.where(person & (down > 0), np.maximum(head, _BODY_SHIFT), head)
    body = np.where(border & ~person, 0.0, body)
    shifts = grid.harmonic(fixed, body)

    near = (np.abs(inside) < step) | (inside >= 0)
    z = _depth(grid, face, skull, inside, near, length)

    on_face = inside >= -0.3 * step
    held = border | (away > _OUTLINE_REACH) | (down > _SHOULDERS) | on_face
    distances, nearest = cKDTree(face.points[:, :2]).query(xy[on_face], k=2)
    weights = 1 / (distances + 1e-3)
    weights /= weights.sum(axis=1, keepdims=True)
    outline = np.zeros((len(xy), len(face.points)))
    for column in (0, 1):
        outline[np.flatnonzero(on_face), nearest[:, column]] += weights[:, column]
    free = ~held
    if free.any():
        solve = factorized(grid.laplacian[free][:, free].tocsc())
        pull = -(grid.laplacian[free][:, on_face] @ outline[on_face])
        outline[free] = np.stack([solve(np.ascontiguousarray(column)) for column in pull.T], axis=1)

    kept = inside < -0.3 * step
    points = np.concatenate([xy, z[:, None]], axis=1)[kept]
    joined = np.concatenate([points, face.points])
    triangles = Delaunay(joined[:, :2]).simplices.astype(np.int64)
    centres = joined[triangles, :2].mean(axis=1)
    within = np.array([cv2.pointPolygonTest(ring, (float(x), float(y)), False) > 0 for x, y in centres])
    triangles = triangles[~(within & (triangles >= len(points)).all(axis=1))]
    numbers = np.concatenate([np.arange(len(points)), len(points) + face.indices])
    return Sheet(points, turns[kept], shifts[kept], outline[kept], numbers[triangles])


def smoothstep(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """0 below 0, 1 above 1, and 3 x^2 - 2 x^3 in between."""
    clipped = np.clip(np.asarray(x, dtype=np.float64), 0, 1)
    return clipped * clipped * (3 - 2 * clipped)


def _depth(
    grid: _Grid,
    face: FaceOutline,
    skull: NDArray[np.float64],
    inside: NDArray[np.float64],
    near: NDArray[np.bool_],
    length: float,
) -> NDArray[np.float64]:
    """(N,) z of the grid's points: the skull's, within bounds that keep the sheet from folding."""
    cKDTree = scipy_part("spatial").cKDTree

    distances, found = cKDTree(skull[:, :2]).query(grid.points, k=12, distance_upper_bound=0.09 * length)
    known = np.isfinite(distances)
    skull_z = np.where(known, skull[np.minimum(found, len(skull) - 1), 2], np.inf).min(axis=1)
    ring_z = face.points[cKDTree(face.points[:, :2]).query(grid.points)[1], 2]
    has_depth = np.isfinite(skull_z) & (inside < 0)
    z = np.where(near, ring_z, np.where(has_depth, skull_z, 0.0))
    z = grid.harmonic(has_depth | near, z)
    far = np.clip(-inside, 0, None)
    z = ring_z + np.clip(z - ring_z, _LEAST_SLOPE * far, _MOST_SLOPE * far)
    for _ in range(_SMOOTHINGS):
        z = np.where(near, z, 0.5 * z + 0.5 * grid.mean_of_neighbours(z))
    return z


class _Grid:
    """Points at equal distances over a picture, its outer edges included."""

    def __init__(self, shape: tuple[int, ...], cells: int) -> None:
        sparse = scipy_part("sparse")

        height, width = shape
        longer = max(height, width)
        columns = max(round(cells * width / longer), 8)
        rows = max(round(cells * height / longer), 8)
        x, y = np.linspace(-0.5, width - 0.5, columns), np.linspace(-0.5, height - 0.5, rows)
        self.points = np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1).reshape(-1, 2)
        self.step = float(x[1] - x[0])
        self.border = (np.abs(self.points - [(width - 1) / 2, (height - 1) / 2]) > [width / 2 - 1, height / 2 - 1]).any(
            axis=1
        )
        self._cells = (
            np.clip(self.points[:, 1].round().astype(int), 0, height - 1),
            np.clip(self.points[:, 0].round().astype(int), 0, width - 1),
        )
        number = np.arange(rows * columns).reshape(rows, columns)
        pairs = np.concatenate(
            [
                np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
                np.stack([number[:-1].ravel(), number[1:].ravel()]),
            ],
            axis=1,
        )
        both = np.concatenate([pairs, pairs[::-1]], axis=1)
        self._joined = sparse.coo_matrix(
            (np.ones(both.shape[1]), (both[0], both[1])), (number.size, number.size)
        ).tocsr()
        self._degree = np.asarray(self._joined.sum(axis=1)).ravel()
        self.laplacian = (sparse.diags(self._degree) - self._joined).tocsr()

    def sample(self, image: NDArray[np.floating]) -> NDArray[np.floating]:
        """(N,) the values of an image (H, W) at the points."""
        return image[self._cells]

    def mean_of_neighbours(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) of values (N,)."""
        return (self._joined @ values) / self._degree

    def harmonic(self, fixed: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (N,) that are kept where fixed (N,), and elsewhere the mean of their neighbours."""
        spsolve = scipy_part("sparse.linalg").spsolve

        free = ~fixed
        if not free.any():
            return values
        filled = values.copy()
        pull = -(self.laplacian[free][:, fixed] @ values[fixed])
        filled[free] = spsolve(self.laplacian[free][:, free].tocsc(), pull)
        return filled
