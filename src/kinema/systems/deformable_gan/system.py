"""deformable_gan as an entry of the list of systems."""

from __future__ import annotations

from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.deformable_gan.model import DeformableGanModel
from kinema.systems.deformable_gan.objective import DeformableGanTraining
from kinema.systems.deformable_gan.pipeline import DeformableGanPipeline
from kinema.systems.deformable_gan.presets import PRESETS
from kinema.systems.system import System

SYSTEM = System(
    name="deformable_gan",
    summary="a person in a photo takes another pose",
    config=DeformableGanConfig,
    presets=PRESETS,
    make_training=DeformableGanTraining,
    make_model=DeformableGanModel,
    make_pipeline=DeformableGanPipeline,
    model_nets=("motion", "generator"),
    # Its pairs of persons are not joined to `kinema learn` yet, and no verb serves it.
    abilities=(),
)
