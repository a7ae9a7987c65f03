"""Named sliders, such as smile and yaw -> the motion of a portrait."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field

from kinema.core.config import Config
from kinema.faces.head_pose import rotation_of
from kinema.systems.head.motion import HeadMotion
from kinema.systems.head.portrait import Portrait

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


class FacePose(Config):
    """What a face shows; 0 everywhere is the photo itself."""

    smile: float = Field(default=0, ge=-1, le=1.5, description="corners of the mouth up, cheeks and lids with them")
    jaw: float = Field(default=0, ge=-0.5, le=1.5, description="mouth open")
    pucker: float = Field(default=0, ge=-1, le=1.5, description="lips forward, as in a kiss")
    funnel: float = Field(default=0, ge=-1, le=1.5, description="lips round, as in 'oh'")
    brows: float = Field(default=0, ge=-1, le=1.5, description="both brows up")
    frown: float = Field(default=0, ge=-1, le=1.5, description="brows and corners of the mouth down")
    squint: float = Field(default=0, ge=-1, le=1.5, description="lower lids and cheeks up")
    blink_left: float = Field(default=0, ge=-0.4, le=1, description="the person's left eye, on the right of the photo")
    blink_right: float = Field(default=0, ge=-0.4, le=1, description="the person's right eye")
    gaze_x: float = Field(default=0, ge=-1, le=1, description="look to the right of the photo")
    gaze_y: float = Field(default=0, ge=-1, le=1, description="look down")
    yaw: float = Field(default=0, ge=-40, le=40, description="degrees, to the right of the photo")
    pitch: float = Field(default=0, ge=-30, le=30, description="degrees, down")
    roll: float = Field(default=0, ge=-45, le=45, description="degrees, clockwise in the photo")
    zoom: float = Field(default=1, ge=0.7, le=1.4, description="size of the head")

    def blend(self, other: Self, weight: float) -> Self:
        """The pose between this one (weight 0) and another (weight 1)."""
        mine, theirs = self.model_dump(), other.model_dump()
        return self.model_validate({name: mine[name] + weight * (theirs[name] - mine[name]) for name in mine})


def motion_of(portrait: Portrait, pose: FacePose) -> HeadMotion:
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
