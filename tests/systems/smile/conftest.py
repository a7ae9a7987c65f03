"""A tiny smile."""

import pytest

from kinema.systems.smile.config import SmileConfig
from kinema.systems.smile.presets import small_64

TINY = (
    "expressions.framing=frame",
    "frames.size=[32, 32]",
    *(f"{part}.{name}" for part in ("translator.motion", "translator.generator", "translator.unet", "discriminator")
      for name in ("block_expansion=4", "max_features=8")),
    "translator.motion.num_blocks=2",
    "translator.unet.num_levels=4",
    "translator.generator.num_bottleneck_blocks=1",
    "translator.hint_channels=4",
    "discriminator.num_blocks=2",
    "landmarks.embedding.num_codes=4",
    "landmarks.embedding.num_features=16",
    "landmarks.embedding.image_side=16",
    "landmarks.num_features=8",
    "landmarks.mode_features=8",
    "expressions.length=8",
    "objective.perceptual=[]",
    "train.batch_size=2",
)  # fmt: skip


@pytest.fixture
def tiny() -> SmileConfig:
    """Networks of a few thousand weights at 32 x 32."""
    return small_64().override(list(TINY))
