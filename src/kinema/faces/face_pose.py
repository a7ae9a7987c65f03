"""What a face shows, by named sliders: the words in which stills, keys and forms say it."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field

from kinema.core.config import Config


class FacePose(Config):
    """What a face shows; the defaults are the photo itself."""

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
        return self._of({name: value + weight * (getattr(other, name) - value) for name, value in self})

    def plus(self, other: Self) -> Self:
        """Both poses at once, each slider within its range."""
        zoom = self.zoom * other.zoom
        return self._of({name: value + getattr(other, name) for name, value in self} | {"zoom": zoom})

    @classmethod
    def _of(cls, values: dict[str, float]) -> Self:
        """A pose of numbers that were computed: what exceeds a range, if by rounding alone, is brought back into it."""
        return cls(**{name: min(max(value, low(name)), high(name)) for name, value in values.items()})


def low(slider: str) -> float:
    """The least that a slider takes."""
    return _bound(slider, "ge")


def high(slider: str) -> float:
    """The most that a slider takes."""
    return _bound(slider, "le")


def _bound(slider: str, kind: str) -> float:
    found: list[Any] = [getattr(mark, kind) for mark in FacePose.model_fields[slider].metadata if hasattr(mark, kind)]
    return float(found[0])
