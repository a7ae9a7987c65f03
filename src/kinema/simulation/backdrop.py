# pyright: strict
"""Draws at random what stands behind a person: plain walls, gradients, blobs, lights out of focus, clutter."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinema.core.compiled_imaging import opencv

# Of the shorter side: how far a backdrop that drifts goes to each side at most, and its speed a second.
_REACH, _SLOWEST, _FASTEST = 0.12, 0.015, 0.06

_Picture = NDArray[np.float32]
_Generator = np.random.Generator


class Backdrop:
    """A picture that stands still or drifts slowly.

    Attributes:
        kind: one of ``KINDS``.
        drifts: whether it moves.
    """

    def __init__(self, generator: np.random.Generator, size: tuple[int, int], *, may_drift: bool = True) -> None:
        """Draws it; the same state of the generator gives the same one at any size.

        Args:
            generator: what is drawn from.
            size: (height, width) in pixels.
            may_drift: one in four drifts; none where False.

        Raises:
            MissingExtraError: the extra ``head`` is not installed.
        """
        self._size = size
        self._margin = math.ceil(_REACH * min(size)) + 1
        self.kind = KINDS[int(generator.choice(len(KINDS), p=_SHARES))]
        self.drifts = bool(generator.uniform() < 0.25) and may_drift
        angle, speed = generator.uniform(0, 2 * math.pi), generator.uniform(_SLOWEST, _FASTEST)
        self._velocity = speed * np.array([math.cos(angle), math.sin(angle)]) * min(size) * self.drifts
        height, width = (side + 2 * self._margin for side in size)
        drawn = _DRAWN[self.kind](generator, height, width)
        self._canvas = np.clip(drawn + 0.5, 0, 255).astype(np.uint8)

    def at(self, seconds: float) -> NDArray[np.uint8]:
        """How it looks after a time: uint8 (H, W, 3)."""
        cv2 = opencv()

        height, width = self._size
        reach = _REACH * min(self._size)
        # It slows down towards its furthest place, so that long clips stay on the canvas.
        x, y = self._margin + reach * np.tanh(self._velocity * seconds / reach)
        back = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(self._canvas, back, (width, height), flags=flags), dtype=np.uint8)


def _colour(generator: _Generator, *, least: float = 0.15, most: float = 0.9) -> NDArray[np.float64]:
    """(3,) in [0, 255], seldom vivid; the bounds are those of its brightness."""
    hue, saturation = generator.uniform(), 0.65 * generator.uniform() ** 1.5
    return 255 * np.array(colorsys.hsv_to_rgb(hue, saturation, generator.uniform(least, most)))


def _stretched(few: NDArray[np.float64], height: int, width: int) -> _Picture:
    """A few colours (h, w, 3) as a smooth picture (height, width, 3)."""
    cv2 = opencv()

    return np.asarray(cv2.resize(few.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC))


def _plain(generator: _Generator, height: int, width: int) -> _Picture:
    """A wall that a light falls on from one side."""
    light = 1 + generator.uniform(-0.12, 0.12, (3, 3, 1))
    return _stretched(_colour(generator) * light, height, width)


def _gradient(generator: _Generator, height: int, width: int) -> _Picture:
    one, other = _colour(generator), _colour(generator)
    angle = generator.uniform(0, 2 * math.pi)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    share = ((x * math.cos(angle) + y * math.sin(angle)) / math.sqrt(2) + 1)[..., None] / 2
    return (one + share * (other - one)).astype(np.float32)


def _blobs(generator: _Generator, height: int, width: int) -> _Picture:
    """Soft clouds of a few colours."""
    cells = int(generator.integers(4, 9))
    palette = np.stack([_colour(generator) for _ in range(3)])
    return _stretched(palette[generator.integers(0, 3, (cells, cells))], height, width)


def _bokeh(generator: _Generator, height: int, width: int) -> _Picture:
    """Discs of light before a dark ground, as lamps far behind the focus."""
    cv2 = opencv()

    image = _stretched(np.stack([[_colour(generator, most=0.4) for _ in range(3)] for _ in range(3)]), height, width)
    radius = generator.uniform(0.03, 0.07) * min(height, width)
    for _ in range(int(generator.integers(18, 45))):
        disc = np.zeros((height, width), np.float32)
        x, y = generator.uniform(0, 1, 2) * (width, height)
        cv2.circle(
            disc, (round(x * 16), round(y * 16)), round(16 * radius * generator.uniform(0.6, 1.3)), 1.0, -1, 8, 4
        )
        light = _colour(generator, least=0.6, most=1.0) * generator.uniform(0.25, 0.7)
        image = np.maximum(image, image * 0.5 + disc[..., None] * light.astype(np.float32))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.006 * min(height, width)))


def _clutter(generator: _Generator, height: int, width: int) -> _Picture:
    """Boxes, round things and slanted pieces before a wall, a little out of focus."""
    cv2 = opencv()

    image = np.ascontiguousarray(_plain(generator, height, width))
    least = min(height, width)
    for _ in range(int(generator.integers(12, 30))):
        centre = generator.uniform(0, 1, 2) * (width, height)
        half = generator.uniform(0.03, 0.16, 2) * least
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        angle = 0.0 if generator.uniform() < 0.5 else generator.uniform(0, math.pi)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        colour = tuple(_colour(generator).tolist())
        if generator.uniform() < 0.3:
            cv2.circle(image, tuple(np.rint(centre * 16).astype(int).tolist()), round(16 * half[0]), colour, -1, 8, 4)
        else:
            cv2.fillPoly(image, [np.rint((centre + corners @ turn.T) * 16).astype(np.int32)], colour, 8, 4)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), generator.uniform(0.004, 0.02) * least))


_DRAWN: dict[str, Callable[[_Generator, int, int], _Picture]] = {
    "plain": _plain,
    "gradient": _gradient,
    "blobs": _blobs,
    "bokeh": _bokeh,
    "clutter": _clutter,
}
KINDS = tuple(_DRAWN)
_SHARES = (0.25, 0.2, 0.2, 0.15, 0.2)
