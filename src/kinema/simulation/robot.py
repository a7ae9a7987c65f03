"""Generates clips of a robot arm that pushes objects in a tray, with its actions (extra ``data``).

MuJoCo simulates the scene of ``robot_scene``; pictures are drawn by ``ray_cast``, because MuJoCo's own renderer needs a
graphics library of the system. World coordinates are those of ``robot_scene``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np

from kinema.core.checks import require_extra
from kinema.core.random import numpy_generator
from kinema.simulation.clip import SimulatedClip
from kinema.simulation.ray_cast import Camera, Kind, Light, Solid, render
from kinema.simulation.robot_scene import (
    FLOOR,
    HIGH,
    LOW,
    REACH_X,
    REACH_Y,
    THING_KINDS,
    TIMESTEP,
    TRAY,
    Thing,
    joint_angles,
    scene_xml,
)
from kinema.simulation.truth import Truth

FRAME_RATE = Fraction(12)
SOURCE = """\
A robot arm that pushes things in a tray, 12 frames a second: physics by MuJoCo, the scene (robot_scene.py) and the
pictures (ray_cast.py) are kinema's own. An action is held for 3 to 6 frames; frames are taken 21 ms after it begins,
since the arm reacts that late. Every clip has 4 to 6 things of different shapes, colours and places.
position_hand (T, 3): the tip of the hand; position_objects (T, N, 3): centres of the things. Metres, x to the right,
y away from the camera, z up, 0 the middle of the tray at the height of the table.

Licences: MuJoCo is Apache-2.0. The clips show nothing of others and may be used under Apache-2.0.
"""
# Directions as the camera sees them; without lifting, only the first five actions are used.
ACTION_NAMES = ("stay", "left", "right", "away", "closer", "up", "down")
_NUM_LEVEL = 5
_DIRECTIONS = np.array([(0, 0, 0), (-1, 0, 0), (1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], dtype=float)
# Metres per second along x, y and z; each action is held for this many frames.
_SPEED = np.array((0.42, 0.36, 0.30))
_HOLD = (3, 6)
# Seconds until the speed reaches the commanded one. The arm reacts _LATE steps of physics late, so pictures are taken
# that long after a change: the movement from one picture to the next is then that of a single action.
_RAMP, _LATE = 0.012, 5
# The target stays this close to the tip, so that a blocked arm reacts to the next action at once.
_SLACK = 0.03
_STAY_SHARE, _SEEK_SHARE = 0.12, 0.7
_NUM_THINGS = (4, 6)
_KIND_SHARES = (0.5, 0.35, 0.15)
# The least distances between the centres of objects, and between objects and the hand, in metres.
_APART, _CLEAR = 0.11, 0.12
_COLORS = (
    *((0.86, 0.13, 0.13), (0.13, 0.52, 0.20), (0.12, 0.33, 0.80), (0.95, 0.80, 0.12)),
    *((0.56, 0.20, 0.66), (0.10, 0.66, 0.70), (0.93, 0.45, 0.66), (0.35, 0.22, 0.13)),
)
_CAMERA = Camera(eye=(0.0, -0.64, 0.80), target=(0.0, 0.095, 0.04), field_degrees=41.0)
_LIGHT = Light(direction=(-0.45, -0.5, 1.25), spread=0.16, strength=0.78, ambient=0.34)
_GLOSS = 0.12
_KINDS: dict[str, Kind] = {
    "mjGEOM_PLANE": "plane",
    "mjGEOM_SPHERE": "sphere",
    "mjGEOM_CAPSULE": "capsule",
    "mjGEOM_CYLINDER": "cylinder",
    "mjGEOM_BOX": "box",
}


def robot_clips(split: str, *, length: int, size: int, seed: int, lift: bool = False) -> Iterator[SimulatedClip]:
    """Yields clips endlessly, each with different objects in the tray.

    Args:
        split: such as "train"; other names give other clips.
        length: T, frames of a clip.
        size: pixels of a side.
        seed: any whole number; clip n depends on it, on the split and on n.
        lift: the arm also goes up and down.

    Raises:
        MissingExtraError: MuJoCo is not installed.
    """
    for number in count():
        yield _Episode(numpy_generator("robot", seed, split, number), lift=lift).record(length, size)


class _Episode:
    """A tray with objects and the arm above it."""

    def __init__(self, rng: np.random.Generator, *, lift: bool) -> None:
        self._mujoco: Any = require_extra("mujoco", extra="data", purpose="simulating a robot")
        self._rng = rng
        self._bounds = np.array([(-REACH_X, REACH_X), (-REACH_Y, REACH_Y), (LOW, HIGH if lift else LOW)]).T + (
            *(0, 0),
            FLOOR,
        )
        self._num_actions = len(ACTION_NAMES) if lift else _NUM_LEVEL
        self._wanted = rng.uniform(*self._bounds)
        self._wanted[2] = self._bounds[0, 2]
        self._speed = np.zeros(3)
        things = _scatter(rng, self._wanted[:2])
        self._model = self._mujoco.MjModel.from_xml_string(scene_xml(things))
        self._data = self._mujoco.MjData(self._model)
        angles = joint_angles(self._wanted)
        self._data.qpos[: len(angles)] = angles
        self._data.ctrl[:] = angles
        self._mujoco.mj_forward(self._model, self._data)
        self._solids: list[Kind] = [self._solid_kind(number) for number in range(self._model.ngeom)]
        self._num_things = len(things)
        self._action, self._left = 0, 0

    def record(self, length: int, size: int) -> SimulatedClip:
        """Simulates and draws ``length`` frames of ``size`` pixels a side."""
        frames, actions, hands, things = [], [], [], []
        steps = round(1 / (float(FRAME_RATE) * TIMESTEP))
        for _ in range(length):
            actions.append(self._choose())
            self._move(actions[-1], _LATE)
            frames.append(self._draw(size))
            hands.append(self._tip())
            things.append(self._things())
            self._move(actions[-1], steps - _LATE)
        truth = Truth(
            actions=np.array(actions, dtype=np.int16),
            action_names=ACTION_NAMES[: self._num_actions],
            rewards=np.zeros(length, dtype=np.float32),
            dones=np.zeros(length, dtype=bool),
            positions={"hand": np.stack(hands), "objects": np.stack(things)},
        )
        return SimulatedClip(np.stack(frames), truth)

    def _tip(self) -> np.ndarray:
        return self._data.site("tip").xpos.copy()

    def _things(self) -> np.ndarray:
        return np.stack([self._data.body(f"thing{number}").xpos.copy() for number in range(self._num_things)])

    def _choose(self) -> int:
        """Keeps the action, or draws a new one that stays in bounds, more often than not towards the nearest object."""
        if self._left == 0:
            self._left = int(self._rng.integers(_HOLD[0], _HOLD[1] + 1))
            move = _DIRECTIONS * _SPEED * self._left / float(FRAME_RATE)
            after = self._wanted + move
            fits = ((after > self._bounds[0] - 1e-9) & (after < self._bounds[1] + 1e-9)).all(axis=1)
            fits[self._num_actions :] = False
            fits[0] = False
            moves = np.flatnonzero(fits)
            if len(moves) == 0 or self._rng.random() < _STAY_SHARE:
                self._action, self._left = 0, min(self._left, 4)
            elif self._rng.random() < _SEEK_SHARE:
                apart = self._things() - self._tip()
                nearest = apart[np.argmin(np.linalg.norm(apart[:, :2], axis=1))]
                gain = _DIRECTIONS[moves, :2] @ nearest[:2]
                self._action = int(moves[np.argmax(gain)])
            else:
                self._action = int(self._rng.choice(moves))
        self._left -= 1
        return self._action

    def _move(self, action: int, steps: int) -> None:
        follow = 1 - np.exp(-TIMESTEP / _RAMP)
        for _ in range(steps):
            self._speed += follow * (_DIRECTIONS[action] * _SPEED - self._speed)
            tip = self._tip()
            wanted = np.clip(self._wanted + TIMESTEP * self._speed, *self._bounds)
            self._wanted = np.clip(wanted, tip - _SLACK, tip + _SLACK)
            self._data.ctrl[:] = joint_angles(self._wanted)
            self._mujoco.mj_step(self._model, self._data)
        self._mujoco.mj_forward(self._model, self._data)

    def _solid_kind(self, number: int) -> Kind:
        return _KINDS[self._mujoco.mjtGeom(self._model.geom_type[number]).name]

    def _draw(self, size: int) -> np.ndarray:
        solids = [
            Solid(
                kind,
                self._model.geom_size[number],
                self._data.geom_xpos[number],
                self._data.geom_xmat[number].reshape(3, 3),
                self._model.geom_rgba[number, :3],
                _GLOSS,
            )
            for number, kind in enumerate(self._solids)
        ]
        return render(solids, _CAMERA, _LIGHT, size=size, oversample=3 if size <= 128 else 2)


def _scatter(rng: np.random.Generator, hand: np.ndarray) -> list[Thing]:
    """Places objects of different colours at a distance from each other and from the hand (2,)."""
    number = int(rng.integers(_NUM_THINGS[0], _NUM_THINGS[1] + 1))
    colors = rng.permutation(len(_COLORS))[:number]
    half = np.array(TRAY) - 0.06
    places: list[np.ndarray] = []
    while len(places) < number:
        place = rng.uniform(-half, half)
        apart = [np.linalg.norm(place - other) for other in places]
        if np.linalg.norm(place - hand) > _CLEAR and min(apart, default=1.0) > _APART:
            places.append(place)
    return [_thing(rng, _COLORS[color], place) for color, place in zip(colors, places, strict=True)]


def _thing(rng: np.random.Generator, color: tuple[float, float, float], place: np.ndarray) -> Thing:
    kind = THING_KINDS[rng.choice(len(THING_KINDS), p=_KIND_SHARES)]
    sides = rng.uniform(0.027, 0.038, 3)
    if kind == "cylinder":
        sides[1] = rng.uniform(0.025, 0.036)
    shade = np.clip(np.array(color) * rng.uniform(0.9, 1.1), 0, 1)
    width, depth, height = (float(side) for side in sides)
    return Thing(
        kind,
        (width, depth, height),
        (float(shade[0]), float(shade[1]), float(shade[2])),
        (float(place[0]), float(place[1])),
        float(rng.uniform(0, 2 * np.pi)),
    )
