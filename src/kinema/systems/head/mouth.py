"""Draws what is seen inside an open mouth: the photo's own teeth, the driving person's, or painted ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinema.core.compiled_imaging import opencv
from kinema.faces.mesh import MOUTH, MOUTH_LOWER, MOUTH_UPPER
from kinema.synthesis.sheet import smoothstep
from kinema.systems.head.drawing import box_around, fill_polygon, fixed_point
from kinema.systems.head.lids_and_lips import CHIN, FOREHEAD
from kinema.systems.head.model import FittedHead
from kinema.systems.head.motion import DrivenMouth, HeadPlace

# In widths of the lips: a gap that begins to show, that shows fully, and one by which the photo shows its own teeth.
_GAP, _GAP_RANGE, _OWN_TEETH = 0.012, 0.03, 0.04
# Teeth are brighter than this part of the skin and less colourful than that; so many of the mouth's pixels show them.
_TEETH_BRIGHT, _TEETH_GREY, _LEAST_TEETH = 0.6, 0.75, 0.1
# In widths of the lips: the change of the gap by which the mouth shows something else.
_OTHER_GAP = 0.08
# A middling skin under white light, by which the light on a face is told.
_SKIN = np.array([205.0, 160.0, 140.0])
_DARK, _TONGUE, _TEETH = np.array([66.0, 27.0, 25.0]), np.array([150.0, 72.0, 70.0]), np.array([238.0, 226.0, 206.0])
_UPPER_LIGHT, _LOWER_LIGHT = 0.80, 0.62
_UPPER_DROP = 0.045
# Between the teeth, in halves of the front of the arch.
_TEETH_GAPS = (-0.62, -0.43, -0.21, 0.0, 0.21, 0.43, 0.62)
_Place = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# Painted at least so many pixels wide, then reduced.
_PAINTED_PX, _MOST_FINE = 220, 4


@dataclass(frozen=True)
class _Teeth:
    """One row: points (V, 3) in pixels of the photo at rest, faces (F, 4), brightness."""

    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    light: float


class Mouth:
    """The mouth of one portrait.

    Attributes:
        light: (3,) that falls on the face; 1 is white and bright.
        width: of the lips, in pixels.
    """

    def __init__(
        self, photo: NDArray[np.uint8], points: NDArray[np.float64], length: float, head: FittedHead, skin: NDArray
    ) -> None:
        """Takes the photo (H, W, 3), the face's points (478, 3) and length, the mean head, the skin's colour (3,)."""
        self._photo, self._points, self._length = photo, points, length
        self.width = float(np.linalg.norm(points[61] - points[291]))
        gap = np.linalg.norm(points[MOUTH_UPPER, :2] - points[MOUTH_LOWER, :2], axis=1)
        self._gap = float(gap.max()) / self.width
        self._shows_inside = self._is_inside(skin)
        light = skin / _SKIN
        self.light = np.clip(light.mean() * 0.6 + light * 0.4, 0.25, 1.25)
        self._upper = self._row(head, "upper", 13, _UPPER_DROP, _UPPER_LIGHT)
        self._lower = self._row(head, "lower", 14, 0.0, _LOWER_LIGHT)
        self._own: NDArray[np.uint8] | None = None

    def draw(
        self,
        image: NDArray[np.uint8],
        moved: NDArray[np.float64],
        place: HeadPlace,
        jaw: NDArray[np.float64],
        driven: DrivenMouth | None,
    ) -> None:
        """Draws the inside of the mouth where the lips (478, 3) ``moved`` have parted; changes ``image``."""
        cv2 = opencv()

        down = moved[CHIN, :2] - moved[FOREHEAD, :2]
        down = down / np.linalg.norm(down)
        gap = np.clip((moved[MOUTH_LOWER, :2] - moved[MOUTH_UPPER, :2]) @ down, 0, None).max() / self.width
        ring = moved[MOUTH, :2]
        x0, y0, x1, y1 = box = box_around(ring, 4, image.shape)
        if gap < _GAP or x1 <= x0 or y1 <= y0:
            return
        soft = max(self._length * 0.003, 0.5)
        inside = fill_polygon(ring - (x0, y0), (y1 - y0, x1 - x0))
        alpha = cv2.GaussianBlur(inside, (0, 0), soft).astype(np.float32)[..., None] / 255
        alpha *= np.clip((gap - _GAP) / _GAP_RANGE, 0, 1)
        if driven is None:
            drawn = self._painted(ring, box, moved, place, jaw, gap)
        else:
            drawn = self._borrowed(ring, box, driven, inside)
        # What is neither teeth nor darkness belongs to the photo's own opening of the mouth, and to no other.
        other = 0.0 if self._shows_inside else float(smoothstep(np.asarray(abs(gap - self._gap) / _OTHER_GAP)))
        if self._gap > _OWN_TEETH and other < 1:
            drawn = self._with_own_teeth(drawn, box, moved, place, soft) * (1 - other) + drawn * other
        shown = image[y0:y1, x0:x1]
        shown[:] = np.clip(shown * (1 - alpha) + drawn * alpha + 0.5, 0, 255).astype(np.uint8)

    def _is_inside(self, skin: NDArray) -> bool:
        """Whether what lies between the lips is teeth or darkness; a tongue, or a lip taken for one, is neither."""
        shape = (self._photo.shape[0], self._photo.shape[1])
        pixels = self._photo[fill_polygon(self._points[MOUTH, :2], shape) > 127].astype(np.float64)
        if not len(pixels):
            return False
        bright = pixels.mean(axis=1) / max(float(skin.mean()), 1.0)
        colourful = np.ptp(pixels, axis=1) / np.maximum(pixels.max(axis=1), 1)
        of_skin = np.ptp(skin) / max(float(skin.max()), 1.0)
        teeth = (bright > _TEETH_BRIGHT) & (colourful < _TEETH_GREY * of_skin)
        return bool(teeth.mean() > _LEAST_TEETH or bright.mean() < _TEETH_BRIGHT)

    def _row(self, head: FittedHead, name: str, lip: int, drop: float, light: float) -> _Teeth:
        """A row of teeth at this person's lips: as wide as the mouth asks, in place by the lip's middle."""
        mean = head.place("points")
        wider = self.width / np.linalg.norm(mean[61] - mean[291])
        down = (self._points[CHIN] - self._points[FOREHEAD]) / self._length
        offset = (head.place(f"{name}_teeth") - mean[lip]) * np.array([wider, 1, 1])
        return _Teeth(self._points[lip] + offset + drop * self.width * down, head.arrays[f"{name}_faces"], light)

    def _borrowed(
        self, ring: NDArray[np.float64], box: tuple[int, int, int, int], driven: DrivenMouth, inside: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """The driving person's teeth and tongue in this person's light, darker at the lips."""
        cv2 = opencv()

        x0, y0, x1, y1 = box
        affine = np.linalg.lstsq(np.c_[ring, np.ones(len(ring))], driven.ring, rcond=None)[0]  # (3, 2)
        x, y = np.meshgrid(np.arange(x0, x1), np.arange(y0, y1), indexing="xy")
        from_x = (affine[0, 0] * x + affine[1, 0] * y + affine[2, 0]).astype(np.float32)
        from_y = (affine[0, 1] * x + affine[1, 1] * y + affine[2, 1]).astype(np.float32)
        seen = cv2.remap(driven.image, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        rim = cv2.distanceTransform((inside > 127).astype(np.uint8), cv2.DIST_L2, 3)
        shade = np.clip(0.35 + 0.65 * smoothstep(rim / (0.03 * self.width)), 0, 1)
        return (seen.astype(np.float32) * driven.gain * shade[..., None]).astype(np.float32)

    def _with_own_teeth(
        self,
        drawn: NDArray[np.float32],
        box: tuple[int, int, int, int],
        moved: NDArray[np.float64],
        place: HeadPlace,
        soft: float,
    ) -> NDArray[np.float32]:
        """What the photo itself shows between the lips, in place by the upper lip."""
        cv2 = opencv()

        if self._own is None:
            self._own = fill_polygon(self._points[MOUTH, :2], (self._photo.shape[0], self._photo.shape[1]))
        x0, y0, x1, y1 = box
        rest, now = self._points[MOUTH_UPPER, :2].mean(axis=0), moved[MOUTH_UPPER, :2].mean(axis=0)
        back = np.linalg.inv(place.scale * place.rotation[:2, :2])
        x, y = np.meshgrid(np.arange(x0, x1) - now[0], np.arange(y0, y1) - now[1], indexing="xy")
        from_x = (back[0, 0] * x + back[0, 1] * y + rest[0]).astype(np.float32)
        from_y = (back[1, 0] * x + back[1, 1] * y + rest[1]).astype(np.float32)
        photo = cv2.remap(self._photo, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.remap(self._own, from_x, from_y, cv2.INTER_LINEAR).astype(np.float32) / 255
        alpha = cv2.GaussianBlur(alpha, (0, 0), soft * 1.5)[..., None]
        return drawn * (1 - alpha) + photo.astype(np.float32) * alpha

    def _painted(
        self,
        ring: NDArray[np.float64],
        box: tuple[int, int, int, int],
        moved: NDArray[np.float64],
        place: HeadPlace,
        jaw: NDArray[np.float64],
        gap: float,
    ) -> NDArray[np.float32]:
        """Teeth, tongue and darkness, drawn finer and reduced; (h, w, 3) of the box."""
        cv2 = opencv()

        x0, y0, x1, y1 = box
        fine = int(np.clip(round(_PAINTED_PX / (x1 - x0)), 1, _MOST_FINE))
        width, height = (x1 - x0) * fine, (y1 - y0) * fine
        unit = self.width * fine

        def local(points: NDArray[np.float64]) -> NDArray[np.float64]:
            return (points[..., :2] - (x0, y0) + 0.5) * fine - 0.5

        dark = _DARK * self.light
        image = np.broadcast_to((dark * 0.8).astype(np.float32), (height, width, 3)).copy()
        x, y = np.meshgrid(np.arange(width), np.arange(height), indexing="xy")
        middle = local(moved[14:15])[0]
        across, along = 0.32 * unit * place.scale, 0.75 * max(gap - 0.05, 0) * unit + 1
        mound = np.clip(1.3 - np.hypot((x - middle[0]) / across, (y - middle[1] - 0.05 * unit) / along), 0, 0.45) / 0.45
        tongue = (smoothstep(mound) * np.clip((gap - 0.06) / 0.15, 0, 1))[..., None]
        image = image * (1 - tongue) + _TONGUE * self.light * 0.8 * tongue
        for row, move in ((self._lower, jaw), (self._upper, np.zeros(3))):
            image = self._with_teeth(image, row, move, place, local, unit)
        lips = fill_polygon(local(ring), (height, width))
        rim = cv2.distanceTransform((lips > 127).astype(np.uint8), cv2.DIST_L2, 3)
        image = image * (0.5 + 0.5 * smoothstep(rim / (0.04 * unit)))[..., None]
        return np.asarray(
            cv2.resize(image.astype(np.float32), (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA), dtype=np.float32
        )

    def _with_teeth(
        self,
        image: NDArray,
        row: _Teeth,
        move: NDArray[np.float64],
        place: HeadPlace,
        local: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        unit: float,
    ) -> NDArray:
        """A picture with one row of teeth; the back ones stand in the dark."""
        cv2 = opencv()

        moved = place.move(row.points + move)
        depth = (moved[:, 2] - moved[:, 2].min()) / (0.25 * self.width * place.scale)
        corners = fixed_point(local(moved))
        covered, lit = np.zeros(image.shape[:2], np.uint8), np.zeros(image.shape[:2], np.uint8)
        for face in row.faces[np.argsort(-moved[row.faces, 2].mean(axis=1))]:
            light = 1 - 0.9 * float(smoothstep(np.asarray((depth[face].mean() - 0.1) / 1.1)))
            cv2.fillConvexPoly(lit, corners[face], float(255 * light), cv2.LINE_8, 4)
            cv2.fillConvexPoly(covered, corners[face], 255, cv2.LINE_8, 4)
        at_front = row.points[:, 2] < row.points[:, 2].min() + 0.1 * self.width
        front = row.points[at_front]
        centre, half, nearest = front.mean(axis=0), 0.40 * self.width, row.points[:, 2].min()
        top_and_bottom = np.array([front[:, 1].min(), front[:, 1].max()])
        common = np.broadcast_to(move, row.points.shape).mean(axis=0)
        for place_across in _TEETH_GAPS:
            aside = place_across * half
            line = np.stack(
                [np.full(2, centre[0] + aside), top_and_bottom, np.full(2, nearest + 0.5 * aside**2 / half)]
            )
            points = [fixed_point(local(place.move(line.T + common)))]
            cv2.polylines(lit, points, False, 150, max(round(0.008 * unit), 1), cv2.LINE_AA, 4)
        soft = 0.012 * unit
        density = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), soft)
        shade = cv2.GaussianBlur(lit.astype(np.float32), (0, 0), soft * 0.7) / np.maximum(density, 8)
        colour, dark = _TEETH * self.light * row.light, _DARK * self.light * 0.6
        alpha = smoothstep(density / 255)[..., None]
        return image * (1 - alpha) + (dark + (colour - dark) * np.clip(shade, 0, 1)[..., None]) * alpha
