"""playable as an entry of the list of systems."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kinema.core.checks import InputError
from kinema.data.clips.cache import FrameCache
from kinema.data.clips.folder import scan_folder
from kinema.data.clips.index import stated_splits
from kinema.data.clips.shots import find_shots
from kinema.data.samples.clip_windows import ClipSource
from kinema.systems.inference_work import Bench
from kinema.systems.playable.bench import playing_work
from kinema.systems.playable.config import PlayableConfig
from kinema.systems.playable.model import PlayableModel
from kinema.systems.playable.objective import PlayableTraining
from kinema.systems.playable.pipeline import PlayablePipeline
from kinema.systems.playable.presets import PRESETS
from kinema.systems.system import Examples, System


def read_clips(folder: Path, config: PlayableConfig, on_progress: Callable[[int, int], None] | None = None) -> Examples:
    """The clips of the training split, or of the whole folder where it states none.

    Raises:
        InputError: none can be read, or none is long enough.
    """
    found = scan_folder(folder, split="train" if "train" in stated_splits(folder) else None)
    tell = None if on_progress is None else lambda done, total, _: on_progress(done, total)
    built = FrameCache(config.frames).build(found.clips, tell)
    left_out = (*found.unreadable, *built.failed)
    if not built.clips:
        raise InputError(f"{folder}: none of the clips can be read; the first: {next(iter(left_out), 'there is none')}")
    shots = {clip.code: find_shots(clip.frames(), config.shots) for clip in built.clips}
    source = ClipSource(
        built.clips,
        config.frames,
        stack=config.representation.stack,
        length=config.schedule.length,
        seed=config.train.seed,
        shots=shots,
    )
    facts, count = {"clips": len(built.clips)}, sum(len(begins) for begins in shots.values())
    return Examples(source, count, facts if count == len(shots) else facts | {"shots": count}, left_out)


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
    abilities=("play", "actions"),
    read_examples=read_clips,
    default_preset="small_64",
)
