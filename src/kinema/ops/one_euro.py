"""Smooths a noisy signal: strongly where it rests, hardly where it moves (one-euro filter; Casiez et al., CHI 2012)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


class OneEuroFilter:
    """A low-pass filter whose cut-off rises with the signal's speed.

    Attributes:
        least_cutoff: Hz, of a signal that rests; lower is smoother.
        rise: Hz by which the cut-off rises for each unit a second.
        speed_cutoff: Hz, of the filter that smooths the speed.

    >>> smooth = OneEuroFilter(least_cutoff=1.0, rise=0.0)
    >>> smooth(np.array([0.0]), 0.0), smooth(np.array([1.0]), 0.04).round(3)
    (array([0.]), array([0.201]))
    """

    def __init__(self, *, least_cutoff: float, rise: float, speed_cutoff: float = 1.0) -> None:
        self.least_cutoff, self.rise, self.speed_cutoff = least_cutoff, rise, speed_cutoff
        self.reset()

    def reset(self) -> None:
        """Forgets the past; the next value is given back as it is."""
        self._time: float | None = None
        self._value = self._speed = np.zeros(0)

    def __call__(self, value: NDArray[np.float64], time: float) -> NDArray[np.float64]:
        """The smoothed value, of any shape, at a time in seconds; a time that is not later starts anew."""
        if self._time is None or time <= self._time:
            self._value, self._speed = value, np.zeros_like(value)
        else:
            passed = time - self._time
            speed = (value - self._value) / passed
            self._speed = self._speed + _weight(self.speed_cutoff, passed) * (speed - self._speed)
            # One cut-off for all: the points of a face must not lag behind each other.
            rate = float(np.sqrt(np.mean(self._speed**2)))
            self._value = self._value + _weight(self.least_cutoff + self.rise * rate, passed) * (value - self._value)
        self._time = time
        return self._value


def _weight(cutoff: float, passed: float) -> float:
    """Of the new value, in (0, 1)."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * passed))
