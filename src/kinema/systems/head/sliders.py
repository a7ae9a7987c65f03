"""Named sliders, such as smile and yaw -> the motion of a portrait."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinema.faces.face_pose import FacePose
from kinema.faces.head_pose import rotation_of
from kinema.systems.head.model import FittedHead
from kinema.systems.head.motion import HeadMotion

# Slider to face units and their strength at 1; a unit without side is both of its sides.
_UNITS = {
    "smile": {"mouthSmile": 0.75, "cheekSquint": 0.5, "eyeSquint": 0.3},
    "jaw": {"jawOpen": 0.6},
    "pucker": {"mouthPucker": 1.0},
    "funnel": {"mouthFunnel": 1.0},
    "brows": {"browInnerUp": 1.0, "browOuterUp": 1.0},
    "frown": {"browDown": 1.0, "mouthFrown": 0.6},
    "squint": {"eyeSquint": 1.0, "cheekSquint": 0.6},
}
_GAZE_X, _GAZE_Y = 0.18, 0.12  # in widths of the eye


class Moving(Protocol):
    """What a portrait says of itself."""

    head: FittedHead
    units: NDArray[np.float64]
    lower_teeth_units: NDArray[np.float64]

    @property
    def eye_width(self) -> float:
        """Mean distance between the corners of an eye, in pixels."""
        ...


def motion_of(portrait: Moving, pose: FacePose) -> HeadMotion:
    """The motion that brings a portrait into a pose."""
    names = portrait.head.names
    weights = np.zeros(len(names))
    for slider, units in _UNITS.items():
        for unit, strength in units.items():
            for name in (unit, f"{unit}Left", f"{unit}Right"):
                if name in names:
                    weights[names.index(name)] += strength * getattr(pose, slider)
    smile = max(pose.smile - 0.5, 0)  # a wide smile shows the upper teeth
    for name in ("mouthUpperUpLeft", "mouthUpperUpRight"):
        weights[names.index(name)] += 0.25 * smile
    width = portrait.eye_width
    return HeadMotion(
        rotation=rotation_of(pose.yaw, pose.pitch, pose.roll),
        scale=pose.zoom,
        expression=np.einsum("k,kni->ni", weights, portrait.units),
        lids=(pose.blink_right, pose.blink_left),
        gaze=np.array([pose.gaze_x * _GAZE_X, pose.gaze_y * _GAZE_Y]) * width,
        jaw=np.einsum("k,kni->ni", weights, portrait.lower_teeth_units),
    )
