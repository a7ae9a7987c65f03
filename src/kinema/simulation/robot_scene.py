"""Builds our MuJoCo model of the robot: an arm behind a tray with objects; computes the arm's joint angles.

World coordinates are right-handed metres: x to the right as the camera sees it, y away from it, z up. The table is at
z = 0, with the origin below the centre of the tray. The arm stands behind the tray and reaches towards the camera.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

ThingKind = Literal["box", "cylinder", "sphere"]
THING_KINDS: tuple[ThingKind, ...] = ("box", "cylinder", "sphere")
# Half sides of the inside of the tray, whose floor lies on the table.
TRAY = (0.29, 0.22)
FLOOR = 0.008
# Where the tip may move, and its height above the floor while pushing and while lifted.
REACH_X, REACH_Y = 0.23, 0.16
LOW, HIGH = 0.022, 0.13
# Seconds per step of the physics: 20 steps are one frame at 12 frames per second.
TIMESTEP = 1 / 240
_BASE_Y, _SHOULDER = 0.40, 0.27
_UPPER, _FOREARM, _HAND = 0.36, 0.36, 0.155
_WALL, _WALL_HEIGHT = 0.012, 0.045
# Gains chosen by the length that each joint moves; the last number limits the torque of a blocked arm, newton metres.
_SERVO = 'kp="{kp}" dampratio="1" forcerange="-{limit} {limit}"'


@dataclass(frozen=True)
class Thing:
    """An object in the tray.

    Attributes:
        kind: a cylinder stands upright.
        size: half sides of a box, else radius and half height, metres.
        color: RGB in [0, 1].
        place: (x, y) of its centre, metres.
        turn: rotation about the vertical axis, radians.
    """

    kind: ThingKind
    size: tuple[float, float, float]
    color: tuple[float, float, float]
    place: tuple[float, float]
    turn: float

    @property
    def half_height(self) -> float:
        """Distance from its centre down to the floor, metres."""
        return self.size[{"box": 2, "cylinder": 1, "sphere": 0}[self.kind]]


def scene_xml(things: Sequence[Thing]) -> str:
    """The MuJoCo model (MJCF) of the arm, the tray and the objects: bodies thing0, thing1 ..., site tip."""
    x, y = TRAY
    walls = [
        (f"{side * (x + _WALL)} 0 {_WALL_HEIGHT / 2}", f"{_WALL} {y + 2 * _WALL} {_WALL_HEIGHT / 2}")
        for side in (-1, 1)
    ] + [(f"0 {side * (y + _WALL)} {_WALL_HEIGHT / 2}", f"{x} {_WALL} {_WALL_HEIGHT / 2}") for side in (-1, 1)]
    return f"""
<mujoco>
  <option timestep="{TIMESTEP}" integrator="implicitfast" cone="elliptic" impratio="5"/>
  <default>
    <geom contype="0" conaffinity="0"/>
    <default class="arm"><geom rgba=".90 .90 .92 1" density="600"/><joint armature="0.02"/></default>
    <default class="dark"><geom rgba=".16 .17 .20 1" density="600"/></default>
    <default class="touch"><geom contype="1" conaffinity="1" friction="0.5 0.01 0.001" condim="4"/></default>
    <default class="tray"><geom contype="1" conaffinity="1" friction="0.5 0.01 0.001" rgba=".72 .55 .38 1"/></default>
  </default>
  <worldbody>
    <geom type="plane" size="3 3 .1" rgba=".34 .38 .43 1"/>
    <geom class="tray" type="box" size="{x} {y} {FLOOR / 2}" pos="0 0 {FLOOR / 2}" rgba=".80 .78 .74 1"/>
    {"".join(f'<geom class="tray" type="box" pos="{place}" size="{size}"/>' for place, size in walls)}
    {_arm_xml()}
    {"".join(_thing_xml(number, thing) for number, thing in enumerate(things))}
  </worldbody>
  <actuator>
    <position joint="turn" {_SERVO.format(kp=900, limit=40)}/>
    <position joint="shoulder" {_SERVO.format(kp=1200, limit=40)}/>
    <position joint="elbow" {_SERVO.format(kp=700, limit=30)}/>
    <position joint="wrist" {_SERVO.format(kp=200, limit=15)}/>
  </actuator>
</mujoco>"""


def _arm_xml() -> str:
    return f"""
    <body pos="0 {_BASE_Y} 0" euler="0 0 -90" gravcomp="1">
      <geom class="dark" type="cylinder" size=".085 .03" pos="0 0 .03"/>
      <body gravcomp="1" childclass="arm">
        <joint name="turn" axis="0 0 1"/>
        <geom type="cylinder" size=".058 .09" pos="0 0 .15"/>
        <geom class="dark" type="capsule" size=".058 .055" pos="0 0 {_SHOULDER}" euler="90 0 0"/>
        <body pos="0 0 {_SHOULDER}" gravcomp="1">
          <joint name="shoulder" axis="0 -1 0"/>
          <geom type="capsule" size=".046" fromto="0 0 0 {_UPPER} 0 0"/>
          <body pos="{_UPPER} 0 0" gravcomp="1">
            <joint name="elbow" axis="0 -1 0"/>
            <geom class="dark" type="capsule" size=".048 .04" euler="90 0 0"/>
            <geom type="capsule" size=".037" fromto="0 0 0 {_FOREARM} 0 0"/>
            <body pos="{_FOREARM} 0 0" gravcomp="1">
              <joint name="wrist" axis="0 -1 0"/>
              <geom class="dark" type="capsule" size=".038 .03" euler="90 0 0"/>
              <geom type="cylinder" size=".034 .03" pos="0 0 -.05" rgba=".90 .42 .10 1"/>
              <geom class="touch" type="box" size=".022 .052 .014" pos="0 0 -.088" rgba=".16 .17 .20 1"/>
              <geom class="touch" type="box" size=".014 .010 .030" pos="0 .038 {0.030 - _HAND}" rgba=".16 .17 .20 1"/>
              <geom class="touch" type="box" size=".014 .010 .030" pos="0 -.038 {0.030 - _HAND}" rgba=".16 .17 .20 1"/>
              <site name="tip" pos="0 0 {-_HAND}"/>
            </body>
          </body>
        </body>
      </body>
    </body>"""


def _thing_xml(number: int, thing: Thing) -> str:
    sizes = {"box": 3, "cylinder": 2, "sphere": 1}[thing.kind]
    size = " ".join(f"{side:.5f}" for side in thing.size[:sizes])
    color = " ".join(f"{part:.4f}" for part in thing.color)
    height = FLOOR + thing.half_height + 0.0005
    return f"""
    <body name="thing{number}" pos="{thing.place[0]:.5f} {thing.place[1]:.5f} {height:.5f}"
          euler="0 0 {math.degrees(thing.turn):.4f}">
      <freejoint/>
      <geom class="touch" type="{thing.kind}" size="{size}" rgba="{color} 1" density="350" friction="0.6 0.02 0.004"
            condim="6"/>
    </body>"""


def joint_angles(tip: np.ndarray) -> np.ndarray:
    """The joint angles that move the tip to a point, with the hand pointing straight down.

    Args:
        tip: (3,) metres, within reach of the arm.

    Returns:
        (4,) radians: turn, shoulder, elbow, wrist.
    """
    forward, left = _BASE_Y - tip[1], tip[0]
    away, above = math.hypot(forward, left), tip[2] + _HAND - _SHOULDER
    distance = math.hypot(away, above)
    assert distance < _UPPER + _FOREARM, "out of reach"
    inner = math.acos((_UPPER**2 + _FOREARM**2 - distance**2) / (2 * _UPPER * _FOREARM))
    lift = math.acos((_UPPER**2 + distance**2 - _FOREARM**2) / (2 * _UPPER * distance))
    shoulder = math.atan2(above, away) + lift
    elbow = inner - math.pi
    return np.array((math.atan2(left, forward), shoulder, elbow, -(shoulder + elbow)))
