"""Draws the eyes: eyeballs as a layer of their own behind the lids, with irises that look elsewhere, and shut lids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinema.core.compiled_imaging import opencv
from kinema.faces.mesh import EYES, IRISES
from kinema.ops.push_pull import fill_image_holes
from kinema.synthesis.sheet import smoothstep
from kinema.systems.head.drawing import box_around, fill_polygon, fixed_point

# Of the face's length: how far the lids' own pixels reach into the eye, softness of its edge, the line of lashes.
_LID_EDGE, _SOFT, _LASHES, _SOFT_LASHES = 0.006, 0.0035, 0.006, 0.004
# Opening, of that in the photo, under which the eyeball fades, and under which the lashes' line comes.
_FADES, _FADE_RANGE, _SHUT, _SHUT_RANGE = 0.16, 0.25, 0.45, 0.3
_LASH_COLOUR = np.array([45.0, 32.0, 30.0])
_LASH_ALPHA = 0.8
# In radii of the iris: moved wholly up to the first, not at all from the second on.
_IRIS_WHOLE, _IRIS_END = 1.05, 2.25
_LEAST_GAZE_PX = 0.05


@dataclass(frozen=True)
class _Eyeball:
    """One eye of the photo: its pixels continued under the lids, and where they lie."""

    image: NDArray[np.float32]
    corner: NDArray[np.float64]
    opening: float


class Eyes:
    """The eyes of one portrait."""

    def __init__(self, photo: NDArray[np.uint8], points: NDArray[np.float64], length: float) -> None:
        """Takes the photo (H, W, 3), the face's points (478, 3) in its pixels and the face's length."""
        self._points, self._length = points, length
        self._eyeballs = [self._eyeball(photo, ring) for ring in EYES]

    def draw(
        self,
        image: NDArray[np.uint8],
        moved: NDArray[np.float64],
        turn: NDArray[np.float64],
        gaze: NDArray[np.float64],
        light: NDArray[np.float64],
    ) -> None:
        """Draws both eyes.

        Args:
            image: uint8 (H, W, 3); changed.
            moved: (478, 3) the face's points in its pixels.
            turn: (2, 2) by which the head's rotation and scale move what faces the viewer.
            gaze: (2,) shift of the irises in pixels of the photo.
            light: (3,) that falls on the face, 1 is white and bright.
        """
        for eye in range(2):
            self._draw(eye, image, moved, turn, gaze, light)

    def _eyeball(self, photo: NDArray[np.uint8], ring: NDArray[np.int64]) -> _Eyeball:
        cv2 = opencv()

        around = self._points[ring, :2]
        centre, reach = around.mean(axis=0), np.ptp(around[:, 0]) * 0.75 + 2
        square = np.stack([centre - reach, centre + reach])
        x0, y0, x1, y1 = box_around(square, 0, photo.shape)
        inside = fill_polygon(around - (x0, y0), (y1 - y0, x1 - x0))
        edge = max(round(self._length * _LID_EDGE), 1)
        clear = cv2.erode(inside, np.ones((2 * edge + 1, 2 * edge + 1), np.uint8))
        if clear.max(initial=0) < 200:
            clear = inside
        patch = photo[y0:y1, x0:x1].astype(np.float32)
        filled = fill_image_holes(patch, (clear > 200).astype(np.float32))
        soft = cv2.GaussianBlur((inside > 128).astype(np.float32), (0, 0), max(edge * 0.5, 0.6))[..., None]
        return _Eyeball(filled * (1 - soft) + patch * soft, np.array([x0, y0]), _opening(self._points, ring))

    def _draw(
        self,
        eye: int,
        image: NDArray[np.uint8],
        moved: NDArray[np.float64],
        turn: NDArray[np.float64],
        gaze: NDArray[np.float64],
        light: NDArray[np.float64],
    ) -> None:
        cv2 = opencv()

        ring, ball = EYES[eye], self._eyeballs[eye]
        around = moved[ring, :2]
        x0, y0, x1, y1 = box_around(around, 3, image.shape)
        if x1 <= x0 or y1 <= y0 or not ball.image.size:
            return
        inside = fill_polygon(around - (x0, y0), (y1 - y0, x1 - x0))
        alpha = cv2.GaussianBlur(inside, (0, 0), max(self._length * _SOFT, 0.5)).astype(np.float32)[..., None] / 255
        # The eyeball moves as the head does, its middle with the corners of the lids.
        rest, now = self._points[ring[[0, 8]], :2].mean(axis=0), moved[ring[[0, 8]], :2].mean(axis=0)
        back = np.linalg.inv(turn)
        x, y = np.meshgrid(np.arange(x0, x1) - now[0], np.arange(y0, y1) - now[1], indexing="xy")
        from_x = back[0, 0] * x + back[0, 1] * y + rest[0]
        from_y = back[1, 0] * x + back[1, 1] * y + rest[1]
        if np.abs(gaze).max() > _LEAST_GAZE_PX:
            iris = self._points[IRISES[eye], :2]
            radius = np.linalg.norm(iris[1:] - iris[0], axis=1).mean()
            away = np.hypot(from_x - iris[0, 0] - gaze[0], from_y - iris[0, 1] - gaze[1]) / radius
            weight = 1 - smoothstep((away - _IRIS_WHOLE) / (_IRIS_END - _IRIS_WHOLE))
            from_x, from_y = from_x - gaze[0] * weight, from_y - gaze[1] * weight
        seen = cv2.remap(
            ball.image,
            (from_x - ball.corner[0]).astype(np.float32),
            (from_y - ball.corner[1]).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        size = np.sqrt(abs(np.linalg.det(turn)))
        opening = _opening(moved, ring) / max(ball.opening * size, 1e-3)
        alpha = alpha * float(smoothstep(np.asarray((opening - _FADES) / _FADE_RANGE)))
        drawn = image[y0:y1, x0:x1].astype(np.float32)
        drawn = drawn * (1 - alpha) + seen * alpha
        shut = float(smoothstep(np.asarray((_SHUT - opening) / _SHUT_RANGE)))
        if shut > 0:
            drawn = self._with_lashes(drawn, around - (x0, y0), shut, light)
        image[y0:y1, x0:x1] = np.clip(drawn + 0.5, 0, 255).astype(np.uint8)

    def _with_lashes(
        self, drawn: NDArray[np.float32], ring: NDArray[np.float64], shut: float, light: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """A picture with the soft dark line where the lids of an eye meet."""
        cv2 = opencv()

        line = np.zeros(drawn.shape[:2], np.uint8)
        middle = (ring[0:9] + ring[np.r_[0, 15:7:-1]]) / 2
        thickness = max(round(self._length * _LASHES), 1)
        cv2.polylines(line, [fixed_point(middle)], False, 255, thickness, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(line.astype(np.float32) / 255, (0, 0), max(self._length * _SOFT_LASHES, 0.5))
        alpha = soft[..., None] * shut * _LASH_ALPHA
        return drawn * (1 - alpha) + (_LASH_COLOUR * light).astype(np.float32) * alpha


def _opening(points: NDArray[np.float64], ring: NDArray[np.int64]) -> float:
    """Pixels between the middles of the lids."""
    return float(np.linalg.norm(points[ring[4], :2] - points[ring[12], :2]))
