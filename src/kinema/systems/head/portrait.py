"""A photographed face as a sheet in space: prepared once, drawn in any pose and expression at the photo's own size."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinema.core.checks import InputError
from kinema.core.compiled_imaging import opencv
from kinema.faces.face_pose import FacePose
from kinema.faces.mesh import CHEEKS, EYES, MOUTH, OVAL, STABLE, FaceMesh, canonical_mesh
from kinema.ops.push_pull import fill_image_holes
from kinema.synthesis.sheet import FaceOutline, build_sheet
from kinema.synthesis.sheet_warp import SheetWarp
from kinema.systems.head.eyes import Eyes
from kinema.systems.head.ground import Ground
from kinema.systems.head.lids_and_lips import BLINK_UNITS, CHIN, FOREHEAD, close_lids, uncross_lips
from kinema.systems.head.model import HeadModel
from kinema.systems.head.motion import HeadMotion, HeadPlace
from kinema.systems.head.mouth import Mouth
from kinema.systems.head.sliders import motion_of

# Of the longer side: what the picture's edge cuts off may come in, as a blurred continuation.
_PAD = 0.22
# Window around the face in which things move, in face lengths from its middle: to each side, up, down.
_ASIDE, _ABOVE, _BELOW = 1.7, 1.5, 2.2
# A matte that leaves out so much of the face is not of this person: drawings, animals, masks.
_LEAST_ALPHA = 0.6


class Portrait:
    """One face of a photo.

    Attributes:
        photo: uint8 (H, W, 3).
        mesh: the face's points in it.
        points: (478, 3) of it, in pixels of the photo.
        length: forehead to chin, in pixels.
        head: the mean head in this one's place.
        units: (51, 478, 3) displacements of the face units, in pixels.
        locked: whether the ground behind the person stays.
    """

    def __init__(
        self,
        model: HeadModel,
        photo: NDArray[np.uint8],
        mesh: FaceMesh,
        alpha: NDArray[np.float32],
        *,
        lock_background: bool = True,
        alone: bool = True,
    ) -> None:
        """Builds the sheet.

        Args:
            model: the mean head.
            photo: uint8 (H, W, 3).
            mesh: of the face.
            alpha: (H, W) in [0, 1], the person's.
            lock_background: move the person alone, before a ground that is continued behind; where ``alpha`` misses
                the face, all of the picture moves.
            alone: there is nobody else in the photo.
        """
        cv2 = opencv()

        self.photo, self.mesh, self.points = np.ascontiguousarray(photo), mesh, mesh.points
        self.length = float(np.linalg.norm(mesh.points[FOREHEAD] - mesh.points[CHIN]))
        self.head = model.fitted_to(mesh.points)
        self.units = self.head.units()
        self.lower_teeth_units = self.head.units("lower_units")
        self.centre = mesh.points[STABLE].mean(axis=0)
        self._window = window = _window(photo.shape, self.centre, self.length)
        seen, alpha = self.photo[window], alpha[window]
        corner = np.array([window[1].start, window[0].start, 0.0])
        height, width = seen.shape[:2]
        pad = int(_PAD * max(height, width))
        self._to_canvas = np.array([pad, pad, 0.0]) - corner
        on_canvas = mesh.points + self._to_canvas
        self.locked = lock_background and self._seen_in(alpha, mesh.points - corner)
        ground = self._ground = Ground(seen, alpha, self.length, alone=alone) if self.locked else None
        layer = cv2.cvtColor(seen, cv2.COLOR_RGB2RGBA) if ground is None else ground.person
        self._pad = pad
        self._layer = _padded(layer, pad)
        padded_alpha = cv2.copyMakeBorder(alpha, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        outline = FaceOutline(on_canvas[OVAL], OVAL, on_canvas[FOREHEAD, :2], on_canvas[CHIN, :2])
        self._sheet = sheet = build_sheet(
            np.asarray(padded_alpha), outline, self.head.place("skull") + self._to_canvas, cells=model.config.cells
        )
        self._warp = SheetWarp(
            np.concatenate([sheet.points[:, :2], on_canvas[:, :2]]),
            sheet.triangles,
            _face_triangles() + len(sheet.points),
            size=(height, width),
            pad=pad,
            map_px=model.config.map_px,
        )
        self._eyes = Eyes(self.photo, mesh.points, self.length)
        self.skin = mean_colour(self.photo, mesh.points)
        self._mouth = Mouth(self.photo, mesh.points, self.length, self.head, self.skin)
        blinks = [self.units[self.head.index(name)] for name in BLINK_UNITS]
        self._blinks = (blinks[0], blinks[1])

    @property
    def eye_width(self) -> float:
        """Mean distance between the corners of an eye, in pixels."""
        return float(np.mean([np.linalg.norm(self.points[ring[0]] - self.points[ring[8]]) for ring in EYES]))

    def draw(self, motion: HeadMotion) -> NDArray[np.uint8]:
        """The photo with the head in motion: uint8 (H, W, 3)."""
        return self._drawn(motion)[0]

    def draw_with_alpha(self, motion: HeadMotion, *, background: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """As :meth:`draw`, with how much of each pixel is the person's.

        Args:
            motion: of the head.
            background: uint8 (H, W, 3) of the photo's size, shown behind the person in place of the photo's own, of
                which the outline is cleared; of the person it shows what lies within 1.7 face lengths to each side,
                1.5 above and 2.2 below.

        Returns:
            uint8 (H, W, 4).

        Raises:
            InputError: no person was found around the face, or the background has another size.
        """
        if self._ground is None:
            raise InputError("no outline of a person was found around the face, so nothing says what is transparent")
        if background is not None and background.shape != self.photo.shape:
            (height, width), (h, w) = self.photo.shape[:2], background.shape[:2]
            raise InputError(
                f"a background of {w}x{h} pixels behind a photo of {width}x{height}; give the photo's size"
            )
        image, person, (x0, y0, x1, y1) = self._drawn(motion, background)
        whole = np.zeros(image.shape[:2], np.uint8)
        at_rest = self._ground.person if background is None else self._ground.cut_out
        whole[self._window] = at_rest[..., 3]
        whole[self._window][y0:y1, x0:x1] = person[..., 3]
        return np.dstack([image, whole])

    @cached_property
    def _cut_out_layer(self) -> NDArray[np.uint8]:
        """What moves before another ground: uint8 (h, w, 4) on the padded canvas."""
        return self._layer if self._ground is None else _padded(self._ground.cut_out, self._pad)

    def _drawn(
        self, motion: HeadMotion, background: NDArray[np.uint8] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[int, int, int, int]]:
        """The picture (H, W, 3), the layer (h, w, 4) that moved, and its x0, y0, x1, y1 in the window."""
        moved, canvas = self._moved(motion)
        layers = self._warp.map_to(canvas[:, :2], canvas[:, 2])
        layer = self._layer if background is None else self._cut_out_layer
        drawn, place_in_window = self._warp.sample(layers, layer)
        x0, y0, x1, y1 = place_in_window
        ground, behind = self._ground, None if background is None else background[self._window]
        image = self.photo.copy() if background is None else background.copy()
        if ground is not None and behind is not None:
            image[self._window] = ground.under(ground.cut_out, 0, 0, other=behind)
        shown = drawn[..., :3] if ground is None else ground.under(drawn, x0, y0, other=behind)
        image[self._window][y0:y1, x0:x1] = shown
        place = self._place(motion)
        turn = motion.scale * motion.rotation[:2, :2]
        self._eyes.draw(image, moved, turn, motion.gaze, self._mouth.light)
        self._mouth.draw(image, moved, place, motion.jaw, motion.mouth)
        return image, drawn, place_in_window

    def pose(self, shown: FacePose | None = None, /, **sliders: float) -> NDArray[np.uint8]:
        """The photo with the head in a pose: uint8 (H, W, 3).

        Args:
            shown: the pose; None is the photo itself.
            sliders: of :class:`~kinema.faces.face_pose.FacePose`, such as ``smile=0.8``; they go before those of
                ``shown``.

        Raises:
            InputError: there is no such slider, or its value is out of range.
        """
        given = {} if shown is None else shown.model_dump()
        return self.draw(self.motion_of(FacePose.parse(given | sliders, origin="pose")))

    def motion_of(self, shown: FacePose, shift: tuple[float, float] = (0.0, 0.0)) -> HeadMotion:
        """The motion that brings the head into a pose.

        Args:
            shown: the pose.
            shift: of the head to the right and down, in lengths from forehead to chin.
        """
        return replace(motion_of(self, shown), shift=np.array(shift) * self.length)

    def points_after(self, motion: HeadMotion) -> NDArray[np.float64]:
        """The face's points (478, 3) in motion, in pixels of the photo."""
        return self._moved(motion)[0]

    def _place(self, motion: HeadMotion) -> HeadPlace:
        return HeadPlace(motion.rotation, motion.scale, self.centre, np.array([*motion.shift, 0.0]))

    def _moved(self, motion: HeadMotion) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The face's points in the photo, and all of the mesh's on the padded canvas."""
        expression = np.zeros_like(self.points) if motion.expression is None else motion.expression.copy()
        close_lids(self.points, expression, motion.lids, self._blinks)
        uncross_lips(self.points, expression)
        place, sheet = self._place(motion), self._sheet
        face = place.move(self.points + expression)
        rest = sheet.points - self._to_canvas
        turned = self.centre + motion.scale * (rest - self.centre) @ motion.rotation.T
        around = rest + sheet.turns[:, None] * (turned - rest) + sheet.shifts[:, None] * place.shift
        around = around + sheet.outline @ (expression[OVAL] @ motion.rotation.T * motion.scale)
        return face, np.concatenate([around, face]) + self._to_canvas

    @staticmethod
    def _seen_in(alpha: NDArray[np.float32], points: NDArray[np.float64]) -> bool:
        """Whether a matte holds the face of these points."""
        height, width = alpha.shape
        x = np.clip(points[:, 0].round().astype(int), 0, width - 1)
        y = np.clip(points[:, 1].round().astype(int), 0, height - 1)
        return bool(alpha[y, x].mean() > _LEAST_ALPHA)


def _padded(layer: NDArray[np.uint8], pad: int) -> NDArray[np.uint8]:
    """A picture (H, W, C) with a border that continues its colours, blurred: repeated, its edge would be streaks."""
    height, width = layer.shape[:2]
    inside = np.s_[pad : pad + height, pad : pad + width]
    canvas = np.zeros((height + 2 * pad, width + 2 * pad, layer.shape[2]), np.uint8)
    known = np.zeros(canvas.shape[:2], np.float32)
    canvas[inside], known[inside] = layer, 1
    canvas[:] = np.clip(np.rint(fill_image_holes(canvas, known)), 0, 255)
    canvas[inside] = layer
    return canvas


def _window(shape: tuple[int, ...], centre: NDArray[np.float64], length: float) -> tuple[slice, slice]:
    """Rows and columns of the part of a picture in which a face moves what is around it."""
    height, width = shape[:2]
    left, right = centre[0] - _ASIDE * length, centre[0] + _ASIDE * length
    top, bottom = centre[1] - _ABOVE * length, centre[1] + _BELOW * length
    rows = slice(max(int(top), 0), min(int(bottom) + 1, height))
    return rows, slice(max(int(left), 0), min(int(right) + 1, width))


def mean_colour(image: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) of the cheeks in a picture (H, W, 3), by the face's points (478, 3)."""
    height, width = image.shape[:2]
    x = np.clip(points[CHEEKS, 0].round().astype(int), 0, width - 1)
    y = np.clip(points[CHEEKS, 1].round().astype(int), 0, height - 1)
    return image[y, x].astype(np.float64).mean(axis=0)


def _face_triangles() -> NDArray[np.int64]:
    """Those of the canonical mesh, the ones that shut mouth and eyes last of equal depth."""
    triangles = canonical_mesh().triangles
    rings = [set(MOUTH.tolist()), *(set(ring.tolist()) for ring in EYES)]
    hole = np.array([any(set(triangle) <= ring for ring in rings) for triangle in triangles.tolist()])
    return triangles[np.argsort(hole, kind="stable")].astype(np.int64)
