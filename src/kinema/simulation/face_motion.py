# pyright: strict
"""Draws at random what a face does in a clip: head, mouth, smile, brows, lids and gaze, each smooth over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinema.faces.face_pose import FacePose, high, low

KINDS = ("still", "talk", "turn")
_SHARES = (0.3, 0.4, 0.3)
# Limits of yaw, pitch and roll in degrees, of the shifts to the right and down in face lengths, and of the zoom.
_CALM = (9.0, 5.0, 5.0, 0.03, 0.02, 0.03)
_TURNING = (20.0, 12.0, 11.0, 0.06, 0.035, 0.06)
# Waves of which a movement of the head is the sum, and the lowest and highest frequency in Hz.
_WAVES, _SLOWEST, _FASTEST = 3, 0.15, 0.8
# Moments in seconds and how far the lids are shut: four frames of 25 a second.
_BLINK_TIMES, _BLINK_LIDS = (0.0, 0.04, 0.08, 0.12, 0.16, 0.2), (0.0, 0.6, 1.0, 0.7, 0.25, 0.0)
_SACCADE_SECONDS = 0.04
# Lids follow the gaze down, by this share at its lowest.
_LIDS_WITH_GAZE = 0.25

_Track = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """What a face does in a clip of T frames; in frame 0 it is as the photo shows it.

    Attributes:
        kind: one of ``KINDS``.
        poses: T of them, added to the photo's own.
        shifts: (T, 2) of the head to the right and down, in lengths from forehead to chin.
    """

    kind: str
    poses: tuple[FacePose, ...]
    shifts: _Track


def random_face_motion(generator: np.random.Generator, length: int, frame_rate: float) -> FaceMotion:
    """A motion; the same state of the generator gives the same one. No blink begins in the first two frames.

    Args:
        generator: what is drawn from.
        length: T, number of frames.
        frame_rate: frames a second.
    """
    times = np.arange(length) / frame_rate
    kind = KINDS[int(generator.choice(len(KINDS), p=_SHARES))]
    limits = _TURNING if kind == "turn" else _CALM
    yaw, pitch, roll, right, down, zoom = (_wander(generator, times, limit) for limit in limits)
    syllables = _syllables(generator, times, strength=1.0 if kind == "talk" else 0.25)
    gaze_x, gaze_y = _gaze(generator, times)
    lids = np.maximum(_blinks(generator, times, 1 / frame_rate), _LIDS_WITH_GAZE * np.maximum(gaze_y, 0))
    tracks = {
        "smile": _smile(generator, times),
        **syllables,
        "brows": _bumps(generator, times, chance=0.45, most=0.9),
        "frown": _bumps(generator, times, chance=0.25, most=0.6),
        "blink_left": lids,
        "blink_right": lids,
        "gaze_x": gaze_x,
        "gaze_y": gaze_y,
        "yaw": yaw,
        "pitch": pitch,
        "roll": roll,
        "zoom": 1 + zoom,
    }
    bounded = {name: np.clip(track, low(name), high(name)) for name, track in tracks.items()}
    poses = (FacePose(**{name: float(track[frame]) for name, track in bounded.items()}) for frame in range(length))
    return FaceMotion(kind, tuple(poses), np.stack([right, down], axis=1))


def _wander(generator: np.random.Generator, times: _Track, limit: float) -> _Track:
    """A sum of slow waves that begins at 0 and comes near a limit, and never passes it."""
    frequencies = np.exp(generator.uniform(math.log(_SLOWEST), math.log(_FASTEST), _WAVES))
    phases = generator.uniform(0, 2 * math.pi, _WAVES)
    weights = 1 / np.sqrt(frequencies)
    weights *= 0.9 / np.linalg.norm(weights)
    waves = np.sin(2 * math.pi * frequencies * times[:, None] + phases) - np.sin(phases)
    return limit * np.tanh(waves @ weights)


def _keyed(times: _Track, keys: list[tuple[float, float]]) -> _Track:
    """Values between keys (moment, value), of which there are one or more, with speed 0 at each."""
    moments, values = (np.array(column) for column in zip(*keys, strict=True))
    before = np.clip(np.searchsorted(moments, times, side="right") - 1, 0, len(keys) - 1)
    after = np.minimum(before + 1, len(keys) - 1)
    span = np.maximum(moments[after] - moments[before], 1e-9)
    share = np.clip((times - moments[before]) / span, 0, 1)
    share = share * share * (3 - 2 * share)
    return values[before] + share * (values[after] - values[before])


def _syllables(generator: np.random.Generator, times: _Track, *, strength: float) -> dict[str, _Track]:
    """Jaw and lips of phrases of two to seven syllables, with pauses between."""
    end, now = float(times[-1]), float(generator.uniform(0.0, 0.3))
    keys: dict[str, list[tuple[float, float]]] = {name: [(0.0, 0.0)] for name in ("jaw", "pucker", "funnel")}

    def put(moment: float, jaw: float, pucker: float, funnel: float) -> None:
        for name, value in (("jaw", jaw), ("pucker", pucker), ("funnel", funnel)):
            keys[name].append((moment, strength * value))

    while now < end:
        put(now, 0.0, 0.0, 0.0)
        for _ in range(int(generator.integers(2, 8))):
            seconds, jaw = float(generator.uniform(0.14, 0.28)), float(generator.uniform(0.2, 0.8))
            shape, amount = float(generator.uniform()), float(generator.uniform(0.25, 0.8))
            pucker, funnel = amount * (shape < 0.2), amount * (0.2 <= shape < 0.4)
            put(now + seconds / 2, jaw * (1 - 0.4 * (pucker + funnel)), pucker, funnel)
            shut = float(generator.uniform(0.0, 0.15))
            put(now + seconds, shut, 0.4 * pucker, 0.4 * funnel)
            now += seconds
        put(now + 0.1, 0.0, 0.0, 0.0)
        now += 0.1 + float(generator.uniform(0.15, 0.6))
    return {name: _keyed(times, track) for name, track in keys.items()}


def _smile(generator: np.random.Generator, times: _Track) -> _Track:
    """A level that changes every second or so; in half of all clips the face hardly smiles."""
    least, most = (0.2, 0.9) if generator.uniform() < 0.5 else (-0.1, 0.15)
    keys = [(0.0, 0.0)]
    while keys[-1][0] < times[-1]:
        keys.append((keys[-1][0] + float(generator.uniform(0.45, 1.2)), float(generator.uniform(least, most))))
    return _keyed(times, keys)


def _bumps(generator: np.random.Generator, times: _Track, *, chance: float, most: float) -> _Track:
    """Comes and goes now and then; ``chance`` is that of each second and a half."""
    keys, now = [(0.0, 0.0)], 0.05
    while now < times[-1]:
        waits, rises, stays, falls = (
            generator.uniform(0.0, 1.0, 4) * (0.6, 0.3, 0.4, 0.4) + (0, 0.12, 0.05, 0.2)
        ).tolist()
        height = float(generator.uniform(0.35, 1.0)) * most
        if generator.uniform() < chance:
            for seconds, value in ((waits, 0.0), (rises, height), (stays, height), (falls, 0.0)):
                now += seconds
                keys.append((now, value))
        now += 1.5
    return _keyed(times, keys)


def _blinks(generator: np.random.Generator, times: _Track, frame_seconds: float) -> _Track:
    lids, now = np.zeros_like(times), frame_seconds + float(generator.uniform(0.0, 2.5))
    while now < times[-1]:
        lids = np.maximum(lids, np.interp(times - now, _BLINK_TIMES, _BLINK_LIDS))
        now += float(generator.uniform(1.2, 4.0))
    return lids


def _gaze(generator: np.random.Generator, times: _Track) -> tuple[_Track, _Track]:
    """Fixations of a third of a second to one, and quick jumps between them; every other one is the photo's own."""
    moments, places = [0.0], [(0.0, 0.0)]
    now, away = float(generator.uniform(0.1, 0.9)), True
    while now < times[-1]:
        place = (generator.uniform(-0.75, 0.75), generator.uniform(-0.4, 0.45)) if away else (0.0, 0.0)
        moments += [now, now + _SACCADE_SECONDS]
        places += [places[-1], (float(place[0]), float(place[1]))]
        now += _SACCADE_SECONDS + float(generator.uniform(0.3, 1.0))
        away = not away or bool(generator.uniform() < 0.3)
    x, y = ([place[axis] for place in places] for axis in (0, 1))
    return np.interp(times, moments, x), np.interp(times, moments, y)
