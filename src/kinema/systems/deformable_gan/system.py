"""Registers deformable_gan as a system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kinema.data.clips.folder import Unreadable
from kinema.data.labelled.people import read_people, stated_people_splits
from kinema.data.labelled.person_folder import read_person_folder
from kinema.data.samples.person_pairs import PersonPairs
from kinema.systems.deformable_gan.bench import reposing_work
from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.deformable_gan.model import DeformableGanModel
from kinema.systems.deformable_gan.objective import DeformableGanTraining
from kinema.systems.deformable_gan.pipeline import DeformableGanPipeline
from kinema.systems.deformable_gan.presets import PRESETS
from kinema.systems.inference_work import Bench
from kinema.systems.system import Examples, System


def _read_people(folder: Path, config: DeformableGanConfig, on_progress: Callable[[int, int], None]) -> Examples:
    """Pairs of pictures of the people of the training split: annotated as pose-gan does, or files as they are."""
    left_out: tuple[Unreadable, ...] = ()
    if stated_people_splits(folder):
        people = read_people(folder, "train")
    else:
        found = read_person_folder(folder, config.size, on_progress=on_progress)
        people, left_out = found.people, found.unreadable
    source = PersonPairs(people, config.frames, config.train.seed)
    return Examples(source, len(source), {"pictures": len(source), "people": source.num_people}, left_out)


SYSTEM = System(
    name="deformable_gan",
    summary="a person in a photo takes another pose",
    config=DeformableGanConfig,
    presets=PRESETS,
    make_training=DeformableGanTraining,
    make_model=DeformableGanModel,
    make_pipeline=DeformableGanPipeline,
    model_nets=("motion", "generator"),
    bench=Bench("market_full", reposing_work, batched=False),
    read_examples=_read_people,
)
