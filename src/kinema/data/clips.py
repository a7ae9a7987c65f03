"""How clips become moments that a game is learned from."""

from __future__ import annotations

from pydantic import Field

from kinema.core.config import Config


class ClipConfig(Config):
    """Size and pace of the moments."""

    size: tuple[int, int] = Field(default=(256, 256), description="(height, width) of the frames")
    skip: int = Field(default=0, ge=0, description="frames of a clip left out between two moments")
