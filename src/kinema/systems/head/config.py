"""The settings of head: how finely a portrait is cut into triangles, and how far it may turn."""

from __future__ import annotations

from pydantic import Field

from kinema.core.config import Config


class HeadConfig(Config):
    """A head that is moved as a sheet in space."""

    cells: int = Field(default=40, ge=12, le=200, description="of the grid around the face, along the longer side")
    map_px: int = Field(default=256, ge=64, le=2048, description="longer side of the map that triangles are drawn into")
    most_turn: float = Field(default=30.0, gt=0, le=60, description="degrees; further turns are bent towards it")
    unit_names: tuple[str, ...] = Field(default=(), description="of the face units in the weights, in their order")
    num_skull: int = Field(default=1, ge=1, description="points of the mean head")
    num_upper: tuple[int, int] = Field(default=(1, 1), description="points and triangles of the upper teeth")
    num_lower: tuple[int, int] = Field(default=(1, 1), description="points and triangles of the lower teeth")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the map; pictures are drawn at their own size."""
        return self.map_px, self.map_px
