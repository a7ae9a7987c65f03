"""Enter pictures, one or many in a row; leave faces as the 478 points and 52 scores of ``kinema.faces.mesh``.

MediaPipe's short-range face detector (Bazarevsky et al., 2019), face mesh (Kartynnik et al., 2019) and blendshapes, run
by LiteRT. Pre- and post-processing are our own, after face_detector_graph.cc, face_landmarks_detector_graph.cc and
face_blendshapes_graph.cc of google-ai-edge/mediapipe (Apache-2.0). Needs the extra ``head``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinema.blocks.box_decoder import Found, decode, join_overlapping
from kinema.blocks.litert import load_network, read_member, run_network, sigmoid, weights_file
from kinema.core.checks import InputError, require_extra
from kinema.faces.mesh import NUM_POINTS, NUM_SURFACE_POINTS, OUTER_EYE_CORNERS, PURPOSE, TASK, FaceMesh
from kinema.framing.turned_square import TurnedSquare

_DETECTOR_PX, _STRIDES = 128, (8, 16, 16, 16)
_LANDMARKS_PX = 256
# MediaPipe's own thresholds and scale.
_MIN_SCORE, _MIN_PRESENCE, _SAME_FACE_IOU, _WINDOW_SCALE = 0.5, 0.5, 0.3, 1.5
# Of a detector's six points, the first two are the eyes, the one on the left of the picture first.
_EYES = (0, 1)
# Sampled at single points, what is reduced by more than this would alias, so that it is halved before.
_MAX_REDUCTION = 2.5
# The detector misses faces below a tenth of what it looks at. So where the whole shows nobody, parts that overlap are
# looked at: their share of the picture's sides, and how many along each. Of 20 portraits on frames of 1280x960 pixels,
# found with the whole alone, with the first parts and with both: at a width of 200 pixels 20, 20, 20; at 130 2, 18, 18;
# at 100 0, 17, 19; at 80 0, 4, 18; at 64 0, 0, 18; at 50 none. No face was seen in ten frames that show none.
_PARTS = ((0.6, 2), (0.4, 3))
# Where faces below this share of what was looked at are found, others of their size may have been missed, so parts are
# looked at too. Of six on a frame of 1280x960 pixels, 130 pixels wide, four and five were found in the whole, and of
# 80 pixels five in the first parts; now all six (twelve people of data/london-faces, widths from 80 to 260 pixels).
_SURELY_SEEN = 0.2
# The least share of what is looked at that a face has to take to be found nearly always.
_SEEN = 0.13
# The 146 points that the blendshape network reads (face_blendshapes_graph.cc).
_SCORED_POINTS = np.array(
    [
        *(
            0,
            1,
            4,
            5,
            6,
            7,
            8,
            10,
            13,
            14,
            17,
            21,
            33,
            37,
            39,
            40,
            46,
            52,
            53,
            54,
            55,
            58,
            61,
            63,
            65,
            66,
            67,
            70,
            78,
            80,
        ),
        *(
            81,
            82,
            84,
            87,
            88,
            91,
            93,
            95,
            103,
            105,
            107,
            109,
            127,
            132,
            133,
            136,
            144,
            145,
            146,
            148,
            149,
            150,
            152,
            153,
        ),
        *(154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249),
        *(251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314),
        *(317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382),
        *(384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473),
        *(474, 475, 476, 477),
    ]
)


class MeshTracker:
    """Finds faces and follows one; keeps the three networks, and nothing of the pictures."""

    def __init__(self, threads: int = 1) -> None:
        """Reads the networks.

        Args:
            threads: of each network, 1 or more. Two are slower: 9.5 against 6.4 ms a frame on two shared cores.

        Raises:
            MissingExtraError: the extra ``head`` is not installed.
            InputError: ``threads`` is less than 1, or a file is damaged.
        """
        if threads < 1:
            raise InputError(f"threads {threads}: give 1 or more")
        self._cv2 = require_extra("cv2", extra="head", purpose=PURPOSE)
        interpreter = require_extra("ai_edge_litert.interpreter", extra="head", purpose=PURPOSE)
        task = weights_file(TASK, extra="head", purpose=PURPOSE)
        self._detector, self._landmarks, self._blendshapes = (
            load_network(interpreter, read_member(task, f"{name}.tflite"), threads=threads)
            for name in ("face_detector", "face_landmarks_detector", "face_blendshapes")
        )

    def track(self, image: NDArray[np.uint8], previous: FaceMesh | None = None) -> FaceMesh | None:
        """The face that was followed so far, or the largest of the picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            previous: what was given for the frame before; None for the first frame, or to look for a face anew.

        Returns:
            None where no face is seen. A face that was lost is looked for in the whole picture.

        Raises:
            InputError: ``image`` is not (H, W, 3) uint8.
        """
        _check(image)
        if previous is not None:
            face = self._look(image, previous.window)
            if face is not None:
                return face
        faces = self._find(image, 1)
        return faces[0] if faces else None

    def find(self, image: NDArray[np.uint8], max_faces: int = 10) -> tuple[FaceMesh, ...]:
        """The faces of a picture from left to right, as people count them; small ones in the background are among them.

        Args:
            image: (H, W, 3) uint8 RGB.
            max_faces: give at most so many, the largest.

        Returns:
            Those found, none where nobody is. Much smaller ones than the largest may be missed; of faces that stand on
            their heads the networks would draw upright ones, so these are left out.

        Raises:
            InputError: ``image`` is not (H, W, 3) uint8, or ``max_faces`` is less than 1.
        """
        _check(image)
        if max_faces < 1:
            raise InputError(f"max_faces {max_faces}: give 1 or more")
        upright = (face for face in self._find(image, max_faces) if self._is_upright(image, face))
        return tuple(sorted(upright, key=lambda face: face.centre))

    def _find(self, image: NDArray[np.uint8], max_faces: int) -> list[FaceMesh]:
        """The largest faces, each looked at twice: the first look's points show a better window than the detector's."""
        windows, looked_at = _largest_first(self._windows(image)), max(image.shape)
        for share, count in _PARTS:
            smallest = min((side for _, _, side, _ in windows), default=0.0) / _WINDOW_SCALE
            enough = windows and (max_faces == 1 or smallest > _SURELY_SEEN * looked_at)
            if not enough and share * max(image.shape) > _DETECTOR_PX:
                windows += _largest_first(self._windows_in_parts(image, share, count))
                looked_at = share * max(image.shape)
        faces: list[FaceMesh] = []
        for window in windows:
            first = self._look(image, window)
            face = first and (self._look(image, first.window) or first)
            if face is not None and not any(_is_same(face, other) for other in faces):
                faces.append(face)
            if len(faces) == max_faces:
                break
        return sorted(faces, key=lambda face: -face.span)

    def _windows(self, image: NDArray[np.uint8]) -> list[tuple[float, float, float, float]]:
        """Where the detector finds faces; a border of black makes the picture square."""
        height, width = image.shape[:2]
        square = TurnedSquare((width / 2, height / 2), float(max(height, width)), 0.0)
        values, logits = run_network(
            self._detector, self._cut(image, square, _DETECTOR_PX).astype(np.float32) / 127.5 - 1
        )
        candidates = decode(values[0], logits[0, :, 0], side=_DETECTOR_PX, strides=_STRIDES, least_score=_MIN_SCORE)
        return [_window_of_found(face, square) for face in join_overlapping(candidates, least_iou=_SAME_FACE_IOU)]

    def _windows_in_parts(
        self, image: NDArray[np.uint8], share: float, count: int
    ) -> list[tuple[float, float, float, float]]:
        """Where the detector finds faces in ``count`` x ``count`` parts of the picture."""
        height, width = (math.ceil(share * side) for side in image.shape[:2])
        found = []
        for top in np.linspace(0, image.shape[0] - height, count).astype(int).tolist():
            for left in np.linspace(0, image.shape[1] - width, count).astype(int).tolist():
                part = image[top : top + height, left : left + width]
                found += [(x + left, y + top, side, angle) for x, y, side, angle in self._windows(part)]
        return found

    def _look(self, image: NDArray[np.uint8], window: tuple[float, float, float, float]) -> FaceMesh | None:
        """The face in a window, if there is one."""
        x, y, side, angle = window
        square = TurnedSquare((x + 0.5, y + 0.5), side, angle)
        shown = np.divide(self._cut(image, square, _LANDMARKS_PX), 255, dtype=np.float32)
        values, presence, _ = run_network(self._landmarks, shown)
        is_face = float(sigmoid(presence.reshape(-1).astype(np.float64))[0])
        if is_face < _MIN_PRESENCE:
            return None
        seen = values.reshape(NUM_POINTS, 3).astype(np.float64) / _LANDMARKS_PX
        points = np.concatenate([square.to_picture(seen[:, :2]) - 0.5, seen[:, 2:] * side], axis=1)
        scores = run_network(self._blendshapes, points[_SCORED_POINTS, :2].astype(np.float32))[0]
        return FaceMesh(points, scores.reshape(-1).astype(np.float64).clip(0, 1), is_face, _window_of_points(points))

    def _is_upright(self, image: NDArray[np.uint8], face: FaceMesh) -> bool:
        """Whether the detector is surer of the face as it was found than of the same turned upside down."""
        # Of 136 pictures (data/london-faces, data/faces) it was, by a logit of 1.1 or more. In 94 of them turned upside
        # down an upright face was found, with a presence of up to 1; each was told by at least 0.39.
        x, y, side, angle = face.window
        surest = []
        for turn in (angle, angle + math.pi):
            square = TurnedSquare((x + 0.5, y + 0.5), side, turn)
            shown = self._cut(image, square, _DETECTOR_PX).astype(np.float32) / 127.5 - 1
            surest.append(float(run_network(self._detector, shown)[1].max()))
        return surest[0] > surest[1]

    def _cut(self, image: NDArray[np.uint8], square: TurnedSquare, size: int) -> NDArray[np.uint8]:
        """(size, size, 3), upright; what lies outside of the picture is black."""
        cv2: Any = self._cv2
        # Only what the square shows: OpenCV warps no picture of 32768 pixels or more, and reduces all that it is given.
        corners = square.to_picture(np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]))
        left, top = np.floor(corners.min(axis=0) - 1).astype(int).clip(0, image.shape[1::-1])
        right, bottom = np.ceil(corners.max(axis=0) + 1).astype(int).clip(0, image.shape[1::-1])
        if right <= left or bottom <= top:
            return np.zeros((size, size, 3), np.uint8)
        part = np.ascontiguousarray(image[top:bottom, left:right])
        affine = square.pixel_map(size)
        affine[:, 2] -= left, top
        reduction = square.side / size
        while reduction > _MAX_REDUCTION and min(part.shape[:2]) > 1:
            height, width = part.shape[0] // 2, part.shape[1] // 2
            # Exact halves take a tenth of the time of any other size: 0.3 instead of 3.8 ms of 960x960 pixels.
            part = cv2.resize(part[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
            affine[:, 2] += 0.5
            affine /= 2
            affine[:, 2] -= 0.5
            reduction /= 2
        return cv2.warpAffine(part, affine, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def smallest_face(height: int, width: int) -> int:
    """The width in pixels that a face must have to be found nearly always in a picture of a height and width."""
    longer = max(height, width)
    shares = [1.0, *(share for share, _ in _PARTS if share * longer > _DETECTOR_PX)]
    return math.ceil(_SEEN * min(shares) * longer)


def _largest_first(
    windows: list[tuple[float, float, float, float]],
) -> list[tuple[float, float, float, float]]:
    return sorted(windows, key=lambda window: -window[2])


def _check(image: NDArray[np.uint8]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(f"face: an image of {image.dtype} {image.shape}, expected uint8 (height, width, 3) RGB")


def _window_of_found(face: Found, square: TurnedSquare) -> tuple[float, float, float, float]:
    """Half as large again as the box, turned as the eyes are."""
    box = square.to_picture(face.box.reshape(2, 2)) - 0.5
    (x, y), side = box.mean(axis=0), np.ptp(box, axis=0).max() * _WINDOW_SCALE
    along = face.points[_EYES[1]] - face.points[_EYES[0]]
    return float(x), float(y), float(side), math.atan2(along[1], along[0])


def _window_of_points(points: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Half as large again as the upright box of the surface, turned as the outer corners of the eyes are."""
    surface = points[:NUM_SURFACE_POINTS, :2]
    low, high = surface.min(axis=0), surface.max(axis=0)
    (x, y), side = (low + high) / 2, (high - low).max() * _WINDOW_SCALE
    along = points[OUTER_EYE_CORNERS[1], :2] - points[OUTER_EYE_CORNERS[0], :2]
    return float(x), float(y), float(side), math.atan2(along[1], along[0])


def _is_same(face: FaceMesh, other: FaceMesh) -> bool:
    """Whether two finds are of one face: parts of a picture overlap, and a look may slip to a neighbour."""
    return math.dist(face.centre, other.centre) < 0.5 * max(face.span, other.span)
