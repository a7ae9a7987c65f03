"""Describes the labelled clips of faces that the systems of expressions learn from."""

from __future__ import annotations

from pydantic import Field

from kinema.data.clips.cache import CacheConfig
from kinema.data.samples.expressions import ExpressionConfig
from kinema.systems.frame_size import FrameSizeConfig


class LabelledFacesConfig(FrameSizeConfig):
    """Base of the configs of systems that learn from labelled clips of faces."""

    labels: tuple[str, ...] = Field(
        default=("posed", "spontaneous"),
        min_length=1,
        description="classes of expression, in the order of their numbers",
    )
    frames: CacheConfig = CacheConfig(size=(64, 64))
    expressions: ExpressionConfig = ExpressionConfig()
