"""Checks that the networks of a system can halve its frames as often as its config asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator

from kinema.core.checks import check_divisible
from kinema.core.config import Config


class FrameSizeConfig(Config):
    """Base of the configs of systems: all frames have one size, a multiple of ``divisor`` on both sides.

    A subclass has a field ``frames``, whose ``size`` is (height, width), and a property ``divisor``.
    """

    if TYPE_CHECKING:
        frames: Any  # declared here alone, it would be the first field of every config file

    @model_validator(mode="after")
    def _size_fits_the_networks(self) -> Self:
        check_divisible(self.size, self.divisor, what="frames.size")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames, in pixels."""
        return self.frames.size

    @property
    def divisor(self) -> int:
        """The number that both sides of a frame must be multiples of."""
        raise NotImplementedError
