"""Says how a driving face is followed: how strongly, from which pose on, and with which mouth."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinema.core.config import Config

CountFrom = Literal["auto", "relative", "absolute"]


class Drive(Config):
    """How a driving face is followed.

    Attributes:
        expression: strength of what the face shows, 1 is the driver's own.
        pose: strength of the head's turns.
        shift: strength of the head's movement across the picture, and to and from the camera.
        count_from: "relative" adds the driver's turns since the first frame to the photo's pose, "absolute" takes the
            driver's own, "auto" takes the latter if the first frame is turned by more than 10 degrees, also away from
            the photo's pose.
        smooth: removes the trembling of the tracker.
        borrow_mouth: shows the inside of the driver's mouth; otherwise teeth are painted.
    """

    expression: float = Field(default=1.0, ge=0, le=3)
    pose: float = Field(default=1.0, ge=0, le=3)
    shift: float = Field(default=1.0, ge=0, le=3)
    count_from: CountFrom = "auto"
    smooth: bool = True
    borrow_mouth: bool = True
