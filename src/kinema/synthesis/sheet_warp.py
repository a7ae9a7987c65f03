"""Moves a picture as a sheet with a face in front of it: two layers of triangles, drawn small, sampled at full size.

Displacements, not coordinates, are enlarged, so that what does not move keeps its very pixels. The face is a layer
of its own with a soft outline: one map alone gives saw-toothed cheeks where the face covers what is behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinema.core.compiled_imaging import opencv
from kinema.ops.push_pull import fill_image_holes
from kinema.synthesis.triangle_map import backward_affines, draw_triangles, facing

# By how many pixels of the map a layer is grown over cracks, and the face's layer past its outline.
_CRACKS, _GROWN = 2, 3
_MARGIN = 4
# Of the source: a smaller displacement changes no pixel, since OpenCV samples at multiples of 1/32.
_STILL_PX = 1 / 128


@dataclass(frozen=True)
class LayeredMap:
    """Where each pixel comes from, at the size of the map.

    Attributes:
        sheet: (h, w, 2) displacement (x, y) to the source in its pixels, of all but the face.
        face: (h', w', 2) the same of the face, in a box.
        cover: (h', w') 1 where the face is.
        box: x0, y0, x1, y1 of the face's box in the map.
    """

    sheet: NDArray[np.float32]
    face: NDArray[np.float32]
    cover: NDArray[np.float32]
    box: tuple[int, int, int, int]


class SheetWarp:
    """Moves one picture whose mesh is known, again and again."""

    def __init__(
        self,
        source: NDArray[np.float64],
        sheet_triangles: NDArray[np.int64],
        face_triangles: NDArray[np.int64],
        *,
        size: tuple[int, int],
        pad: int,
        map_px: int,
    ) -> None:
        """Takes the mesh at rest.

        Args:
            source: (V, 2) its points in pixels of the padded picture.
            sheet_triangles: (T, 3) indices, of everything but the face.
            face_triangles: (T', 3) indices, of the face.
            size: (height, width) of the result.
            pad: pixels by which the source picture is larger than the result on every side.
            map_px: longer side of the map; the result's where that is smaller.
        """
        self._triangles = np.concatenate([sheet_triangles, face_triangles])
        self._rest = source[self._triangles]
        self._num_sheet = len(sheet_triangles)
        self._face_points = np.unique(face_triangles)
        self._size, self._pad = size, pad
        self._scale = min(map_px / max(size), 1.0)
        self._shape = (max(round(size[0] * self._scale), 1), max(round(size[1] * self._scale), 1))
        columns, rows = np.meshgrid(
            np.arange(size[1], dtype=np.float32) + pad, np.arange(size[0], dtype=np.float32) + pad, indexing="xy"
        )
        self._columns, self._rows = np.ascontiguousarray(columns), np.ascontiguousarray(rows)

    def map_to(self, moved: NDArray[np.float64], depth: NDArray[np.float64]) -> LayeredMap:
        """The map of points that have moved.

        Args:
            moved: (V, 2) in pixels of the padded picture.
            depth: (V,), larger is farther away.
        """
        cv2 = opencv()

        height, width = self._shape
        corners, rest = moved.take(self._triangles, axis=0), self._rest
        affines = backward_affines(rest, corners)
        shown = facing(rest, corners)
        far = depth.take(self._triangles[:, 0]) + depth.take(self._triangles[:, 1]) + depth.take(self._triangles[:, 2])
        on_map = (corners - self._pad + 0.5) * self._scale - 0.5
        on_sheet = np.arange(len(far)) < self._num_sheet
        sheet = draw_triangles(on_map, far, shown & on_sheet, self._shape)
        face = draw_triangles(on_map, far, shown & ~on_sheet, self._shape)
        around = (moved[self._face_points] - self._pad + 0.5) * self._scale
        low = np.clip(np.floor(around.min(axis=0)).astype(int) - _MARGIN, 0, (width - 1, height - 1))
        high = np.clip(np.ceil(around.max(axis=0)).astype(int) + _MARGIN, low + 1, (width, height))
        box = np.s_[low[1] : high[1], low[0] : high[0]]
        inner = face[box]
        cover = (inner >= 0).astype(np.float32)
        kernel = np.ones((3, 3), np.uint8)
        grown = inner.astype(np.float32)  # exact up to 2^24 triangles; OpenCV grows no int32
        for _ in range(_GROWN):
            grown = np.where(grown < 0, cv2.dilate(grown, kernel), grown)
        whole = sheet.astype(np.float32)
        if (sheet < 0).any():
            for _ in range(_CRACKS):
                whole = np.where(whole < 0, cv2.dilate(whole, kernel), whole)
        x = ((np.arange(width, dtype=np.float32) + 0.5) / self._scale - 0.5 + self._pad)[None]
        y = ((np.arange(height, dtype=np.float32) + 0.5) / self._scale - 0.5 + self._pad)[:, None]
        face_field = _field(affines, grown.astype(np.int32), x[:, low[0] : high[0]], y[low[1] : high[1]])
        sheet_field = _field(affines, whole.astype(np.int32), x, y)
        behind = np.zeros(self._shape, dtype=bool)
        behind[box] = (whole[box] < 0) & (grown >= 0)
        sheet_field[behind] = face_field[behind[box]]
        unknown = (whole < 0) & ~behind
        if unknown.any():
            sheet_field = fill_image_holes(sheet_field, (~unknown).astype(np.float32))
        return LayeredMap(sheet_field, face_field, cover, (int(low[0]), int(low[1]), int(high[0]), int(high[1])))

    def sample(
        self, layers: LayeredMap, image: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
        """The part of a picture that has moved.

        Args:
            layers: of :meth:`map_to`.
            image: uint8 (H, W, C) of the source's (padded) size; OpenCV is fastest with four channels.

        Returns:
            uint8 (h, w, C) and its place x0, y0, x1, y1 in the result; outside of it the picture is the source.
        """
        cv2 = opencv()

        height, width = self._size
        scale = self._scale
        x0, y0, x1, y1 = place = self._moving(layers)
        part = np.s_[y0:y1, x0:x1]
        maps = []
        for axis, at_rest in enumerate((self._columns, self._rows)):
            plane = np.ascontiguousarray(layers.sheet[..., axis])
            if plane.shape != self._size:
                plane = cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
            maps.append(cv2.add(plane[part], at_rest[part]))
        result = np.asarray(cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
        low, high = np.array(layers.box[:2]), np.array(layers.box[2:])
        begin = np.maximum(np.round(low / scale).astype(int), (x0, y0))
        end = np.minimum(np.round(high / scale).astype(int), (x1, y1))
        if (end - begin).min() < 2:
            return result, place
        size = (int(end[0] - begin[0]), int(end[1] - begin[1]))
        enlarging = np.array(
            [
                [scale, 0, (begin[0] + 0.5) * scale - low[0] - 0.5],
                [0, scale, (begin[1] + 0.5) * scale - low[1] - 0.5],
            ],
            dtype=np.float32,
        )

        def enlarged(small: NDArray[np.float32]) -> NDArray[np.float32]:
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            return np.asarray(
                cv2.warpAffine(small, enlarging, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32
            )

        box = np.s_[begin[1] : end[1], begin[0] : end[0]]
        maps = [
            cv2.add(enlarged(np.ascontiguousarray(layers.face[..., axis])), at_rest[box])
            for axis, at_rest in enumerate((self._columns, self._rows))
        ]
        front = np.asarray(cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
        alpha = _soft_cover(enlarged(cv2.blur(layers.cover, (3, 3))))
        inside = np.s_[begin[1] - y0 : end[1] - y0, begin[0] - x0 : end[0] - x0]
        result[inside] = _mixed(front, np.ascontiguousarray(result[inside]), alpha)
        return result, place

    def _moving(self, layers: LayeredMap) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of the pixels that the sheet or the face moves."""
        height, width = self._size
        moving = _moves(layers.sheet)
        x0, y0, x1, y1 = layers.box
        moving[y0:y1, x0:x1] |= _moves(layers.face) & (layers.cover > 0)
        columns, rows = np.flatnonzero(moving.any(axis=0)), np.flatnonzero(moving.any(axis=1))
        if not len(columns):
            return 0, 0, 1, 1
        # One pixel of the map more to each side: enlarging spreads what moves.
        low = np.floor((np.array([columns[0], rows[0]]) - 1) / self._scale).astype(int)
        high = np.ceil((np.array([columns[-1], rows[-1]]) + 2) / self._scale).astype(int)
        left, top = np.clip(low, 0, (width - 1, height - 1)).tolist()
        right, bottom = np.clip(high, 1, (width, height)).tolist()
        return left, top, right, bottom


def _field(
    affines: NDArray[np.float32], index: NDArray[np.int32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(h, w, 2) displacement of each pixel by its triangle's affine map; zero where there is none."""
    rows = np.take(affines, index, axis=0, mode="clip")  # (h, w, 6)
    field = np.empty((*index.shape, 2), dtype=np.float32)
    for axis in (0, 1):
        plane = rows[..., 3 * axis] * x
        plane += rows[..., 3 * axis + 1] * y
        plane += rows[..., 3 * axis + 2]
        field[..., axis] = plane
    field[index < 0] = 0
    return field.astype(np.float32, copy=False)


def _moves(field: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(h, w) where a field (h, w, 2) is more than nothing."""
    return (np.abs(field[..., 0]) > _STILL_PX) | (np.abs(field[..., 1]) > _STILL_PX)


def _soft_cover(cover: NDArray[np.float32]) -> NDArray[np.uint8]:
    """0 to 255 from a blurred cover (h, w): the outline of the face, a little inside of it and steep."""
    share = np.clip((cover - 0.35) * 2, 0, 1)
    share *= share * (3 - 2 * share)
    return np.rint(255 * share).astype(np.uint8)


def _mixed(front: NDArray[np.uint8], back: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """front (h, w, C) where alpha (h, w) is 255, back where it is 0."""
    cv2 = opencv()

    weights = cv2.merge([alpha] * front.shape[2])
    shown = cv2.multiply(front, weights, scale=1 / 255)
    return np.asarray(cv2.add(shown, cv2.multiply(back, cv2.bitwise_not(weights), scale=1 / 255)), dtype=np.uint8)
