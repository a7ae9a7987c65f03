"""Registers expression_gan as a system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kinema.data.labelled.clip_landmarks import with_landmarks
from kinema.data.labelled.expression_clips import check_labels, read_labelled_clips
from kinema.data.samples.expressions import DecodedClips, LabelledFrameSource
from kinema.systems.expression_gan.bench import recurring_work
from kinema.systems.expression_gan.config import ExpressionGanConfig
from kinema.systems.expression_gan.model import ExpressionGanModel
from kinema.systems.expression_gan.objective import ExpressionGanTraining
from kinema.systems.expression_gan.pipeline import ExpressionGanPipeline
from kinema.systems.expression_gan.presets import PRESETS
from kinema.systems.inference_work import Bench
from kinema.systems.system import Examples, System


def read_expressions(
    folder: Path, config: ExpressionGanConfig, on_progress: Callable[[int, int], None] | None = None
) -> Examples:
    """The labelled clips of the training split; landmarks are found only where faces have to be framed by them."""
    clips, faceless = read_labelled_clips(folder), ()
    check_labels(clips, config.labels)
    framing = config.expressions.framing
    if framing == "face":
        clips, faceless = with_landmarks(clips, on_progress)
    decoded = DecodedClips(clips, config.frames, on_progress, framing=framing)
    source = LabelledFrameSource(decoded, config.labels, config.expressions, config.train.seed)
    people = len({clip.identity for clip in decoded.clips})
    facts = {"clips": len(decoded.clips), "people": people}
    return Examples(source, len(decoded.clips), facts, (*faceless, *decoded.failed))


SYSTEM = System(
    name="expression_gan",
    summary="a neutral face and a label become a video, without landmarks",
    config=ExpressionGanConfig,
    presets=PRESETS,
    make_training=ExpressionGanTraining,
    make_model=ExpressionGanModel,
    make_pipeline=ExpressionGanPipeline,
    model_nets=("encoder", "generator", "sequence"),
    bench=Bench("paper_64", recurring_work),
    read_examples=read_expressions,
    default_preset="small_64",
)
