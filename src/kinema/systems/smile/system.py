"""Registers smile as a system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinema.data.clips.folder import Unreadable
from kinema.data.labelled.clip_landmarks import with_landmarks
from kinema.data.labelled.expression_clips import check_labels, read_labelled_clips
from kinema.data.samples.expressions import DecodedClips, LandmarkPairSource, LandmarkSource, SmileSource
from kinema.systems.inference_work import Bench
from kinema.systems.smile.bench import smiling_work
from kinema.systems.smile.config import SmileConfig
from kinema.systems.smile.model import SmileModel
from kinema.systems.smile.objective import SmileTraining
from kinema.systems.smile.pipeline import SmilePipeline
from kinema.systems.smile.presets import PRESETS
from kinema.systems.system import Examples, System


def read_smiles(folder: Path, config: SmileConfig, on_progress: Callable[[int, int], None] | None = None) -> Examples:
    """Landmark sequences and frame pairs of the training split; frames are decoded only where they are learned.

    Landmarks that the folder does not state are detected, and ``on_progress`` reports it.
    """
    stated = read_labelled_clips(folder)
    check_labels(stated, config.labels)  # before landmarks are found, which may take hours
    clips, faceless = with_landmarks(stated, on_progress)
    facts: dict[str, Any] = {"clips": len(clips), "people": len({clip.identity for clip in clips})}
    seed, labels = config.train.seed, config.labels
    landmarks = pairs = None
    left_out: tuple[Unreadable, ...] = faceless
    if config.objective.landmarks.learning_rate:
        landmarks = LandmarkSource(clips, labels, config.expressions, seed)
    if config.objective.lr_translator:
        decoded = DecodedClips(clips, config.frames, on_progress, framing=config.expressions.framing)
        pairs = LandmarkPairSource(decoded, labels, config.expressions, seed)
        left_out += decoded.failed
    source = SmileSource(landmarks, pairs, sequences_per_pair=config.sequences_per_pair)
    return Examples(source, len(clips), facts, left_out)


SYSTEM = System(
    name="smile",
    summary="a neutral face and a label become several different smiles",
    config=SmileConfig,
    presets=PRESETS,
    make_training=SmileTraining,
    make_model=SmileModel,
    make_pipeline=SmilePipeline,
    model_nets=("embedding", "sequence", "modes", "translator"),
    bench=Bench("paper_64", smiling_work),
    read_examples=read_smiles,
    default_preset="small_96",
)
