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
from kinema.synthesis.sheet import smoothstep
from kinema.synthesis.triangle_map import backward_affines, draw_triangles, facing

# By how many pixels of the map a layer is grown over cracks, and the face's layer past its outline.
_CRACKS, _GROWN = 2, 3
_MARGIN = 4


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
        self._source = source
        self._triangles = np.concatenate([sheet_triangles, face_triangles])
        self._num_sheet = len(sheet_triangles)
        self._face_points = np.unique(face_triangles)
        self._size, self._pad = size, pad
        self._scale = min(map_px / max(size), 1.0)
        self._shape = (max(round(size[0] * self._scale), 1), max(round(size[1] * self._scale), 1))
        self._columns = np.arange(size[1], dtype=np.float32)[None] + pad
        self._rows = np.arange(size[0], dtype=np.float32)[:, None] + pad

    def map_to(self, moved: NDArray[np.float64], depth: NDArray[np.float64]) -> LayeredMap:
        """The map of points that have moved.

        Args:
            moved: (V, 2) in pixels of the padded picture.
            depth: (V,), larger is farther away.
        """
        cv2 = opencv()

        height, width = self._shape
        corners, rest = moved[self._triangles], self._source[self._triangles]
        affines = backward_affines(rest, corners)
        shown = facing(rest, corners)
        far = depth[self._triangles].mean(axis=1)
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

    def sample(self, layers: LayeredMap, *images: NDArray) -> list[NDArray]:
        """Pictures of the source's (padded) size, moved.

        Args:
            layers: of :meth:`map_to`.
            images: (H, W) or (H, W, C), uint8, int16 or float32.

        Returns:
            The same at the result's size.
        """
        cv2 = opencv()

        height, width = self._size
        scale = self._scale
        field = layers.sheet
        if field.shape[:2] != self._size:
            field = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
        map_x, map_y = field[..., 0] + self._columns, field[..., 1] + self._rows
        results = [
            cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for image in images
        ]
        low, high = np.array(layers.box[:2]), np.array(layers.box[2:])
        begin = np.round(low / scale).astype(int)
        end = np.minimum(np.round(high / scale).astype(int), (width, height))
        if (end - begin).min() < 2:
            return results
        box = np.s_[begin[1] : end[1], begin[0] : end[0]]
        place = np.array(
            [
                [scale, 0, (begin[0] + 0.5) * scale - low[0] - 0.5],
                [0, scale, (begin[1] + 0.5) * scale - low[1] - 0.5],
            ],
            dtype=np.float32,
        )

        def enlarged(small: NDArray[np.float32]) -> NDArray[np.float32]:
            size = (int(end[0] - begin[0]), int(end[1] - begin[1]))
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            return np.asarray(
                cv2.warpAffine(small, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32
            )

        face = enlarged(layers.face)
        map_x, map_y = face[..., 0] + self._columns[:, begin[0] : end[0]], face[..., 1] + self._rows[begin[1] : end[1]]
        alpha = smoothstep((enlarged(cv2.blur(layers.cover, (3, 3))) - 0.35) / 0.5).astype(np.float32)
        for image, result in zip(images, results, strict=True):
            front = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            result[box] = _mixed(front, result[box], alpha)
        return results


def _field(
    affines: NDArray[np.float32], index: NDArray[np.int32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(h, w, 2) displacement of each pixel by its triangle's affine map; zero where there is none."""
    rows = affines[np.maximum(index, 0)]  # (h, w, 6)
    field = np.stack(
        [rows[..., 0] * x + rows[..., 1] * y + rows[..., 2], rows[..., 3] * x + rows[..., 4] * y + rows[..., 5]],
        axis=-1,
    )
    field[index < 0] = 0
    return field.astype(np.float32, copy=False)


def _mixed(front: NDArray, back: NDArray, alpha: NDArray[np.float32]) -> NDArray:
    """front where alpha is 1, back where it is 0; the type of both."""
    cv2 = opencv()

    if front.dtype == np.int16:  # cv2.blendLinear takes bytes and float32
        weights = alpha if front.ndim == 2 else alpha[..., None]
        return np.rint(front * weights + back * (1 - weights)).astype(np.int16)
    return np.asarray(cv2.blendLinear(front, np.ascontiguousarray(back), alpha, 1 - alpha), dtype=front.dtype)
