"""Registers playable as a system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kinema.data.clips.shots import find_shots
from kinema.data.samples.clip_windows import ClipSource
from kinema.systems.clip_examples import read_training_clips
from kinema.systems.inference_work import Bench
from kinema.systems.playable.bench import playing_work
from kinema.systems.playable.config import PlayableConfig
from kinema.systems.playable.model import PlayableModel
from kinema.systems.playable.objective import PlayableTraining
from kinema.systems.playable.pipeline import PlayablePipeline
from kinema.systems.playable.presets import PRESETS
from kinema.systems.system import Examples, System


def read_clips(folder: Path, config: PlayableConfig, on_progress: Callable[[int, int], None] | None = None) -> Examples:
    """The clips of the training split.

    Raises:
        InputError: none can be read, or none is long enough.
    """
    read = read_training_clips(folder, config.frames, on_progress)
    clips = read.clips
    shots = {clip.code: find_shots(clip.frames(), config.shots) for clip in clips}
    source = ClipSource(
        clips,
        config.frames,
        stack=config.representation.stack,
        length=config.schedule.length,
        seed=config.train.seed,
        shots=shots,
    )
    facts, count = {"clips": len(clips)}, sum(len(begins) for begins in shots.values())
    facts = facts if count == len(shots) else facts | {"shots": count}
    return Examples(source, count, facts, read.left_out, clips, read.held_out)


SYSTEM = System(
    name="playable",
    summary="videos without labels become a game: press a key, see the next frame",
    config=PlayableConfig,
    presets=PRESETS,
    make_training=PlayableTraining,
    make_model=PlayableModel,
    make_pipeline=PlayablePipeline,
    model_nets=("representation", "action_network", "centroids", "dynamics", "renderer"),
    bench=Bench("bair", playing_work, batched=False),
    read_examples=read_clips,
    default_preset="small_64",
)
