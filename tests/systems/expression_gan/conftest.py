"""A tiny expression_gan."""

import pytest

from kinema.systems.expression_gan.config import ExpressionGanConfig
from kinema.systems.expression_gan.presets import small_64

TINY = (
    "expressions.framing=frame",
    "image.inner_side=2",
    "frames.size=[32, 32]",
    *(f"{part}.{name}" for part in ("image", "discriminator", "identity")
      for name in ("block_expansion=4", "max_features=8")),
    "discriminator.num_blocks=2",
    "identity.num_blocks=2",
    "image.num_codes=6",
    "sequence.num_codes=6",
    "sequence.num_features=8",
    "expressions.length=4",
    "objective.perceptual=[]",
    "train.batch_size=2",
)  # fmt: skip


@pytest.fixture
def tiny() -> ExpressionGanConfig:
    """Networks of a few thousand weights at 32 x 32."""
    return small_64().override(list(TINY))
