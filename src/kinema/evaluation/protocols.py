"""Runs a protocol on a model and a folder of clips, and gives figures with confidence intervals and baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from kinema.blocks.features import load_features
from kinema.core.checks import InputError
from kinema.core.progress import Progress, ignore
from kinema.evaluation.animation import evaluate_animation
from kinema.evaluation.doubts import worse_notes, worse_than_idle
from kinema.evaluation.heads.protocol import evaluate_head
from kinema.evaluation.parts import evaluate_parts
from kinema.evaluation.play.protocol import evaluate_play
from kinema.evaluation.prediction import evaluate_prediction
from kinema.evaluation.repose import evaluate_repose
from kinema.evaluation.request import REPEAT, EvaluateRequest, Instruments
from kinema.evaluation.smile.protocol import evaluate_smile
from kinema.runtime.models import Models
from kinema.systems.abilities import AnimationPipeline, HeadPipeline

__all__ = ["PROTOCOLS", "REPEAT", "EvaluateRequest", "evaluate"]

# Protocol -> (function that measures it, ability that a system needs for it).
PROTOCOLS: dict[str, tuple[Callable[[Any, EvaluateRequest, Instruments], dict[str, Any]], str]] = {
    "reconstruction": (evaluate_animation, "animate"),
    "cross_look": (evaluate_animation, "animate"),
    "prediction": (evaluate_prediction, "predict"),
    "parts": (evaluate_parts, "parts"),
    "repose": (evaluate_repose, "repose"),
    "smile": (evaluate_smile, "smile"),
    "play": (evaluate_play, "play"),
    "head": (evaluate_head, "face"),
}
# Protocol -> the ability of a model that can be measured beside.
BESIDE = {"smile": "predict", "head": "animate"}


def evaluate(request: EvaluateRequest, models: Models, progress: Progress = ignore) -> dict[str, Any]:
    """Measures a model.

    Args:
        request: what to measure.
        models: where the models come from.
        progress: called after every clip.

    Returns:
        JSON values: ``metrics.NAME.mean`` with ``low`` and ``high`` of a 95 % interval, the same under
        ``baselines.WHO``, ``per_clip`` rows, and what was measured how. ``worse_than.WHO`` lists the metrics in which
        the model is worse than a baseline that does nothing; ``familiarity``, where the model's own was measured, says
        how many clips look unlike those that it learned from.

    Raises:
        InputError: the protocol is unknown, or the folder has no clips that it can use.
    """
    measure, verb = PROTOCOLS[request.protocol]
    if request.beside is not None and request.protocol not in BESIDE:
        raise InputError(
            f"beside {request.beside}: the protocol {request.protocol} measures one model; leave it out, or use "
            f"{' or '.join(BESIDE)}"
        )
    instruments = Instruments(
        features=None if request.perceptual == "none" else load_features(request.perceptual),
        beside=None if request.beside is None else _beside(request.beside, BESIDE[request.protocol], models),
        progress=progress,
    )
    report = measure(models.get(verb, request.model), request, instruments)
    report["worse_than"] = worse_than_idle(report["metrics"], report["baselines"])
    report["notes"] = [*report.get("notes", []), *worse_notes(report)]
    return report | {"model": request.model, "beside": request.beside, "seed": request.seed}


def _beside(model: str, verb: str, models: Models) -> AnimationPipeline:
    pipeline = models.get(verb, model)
    if isinstance(pipeline, HeadPipeline):
        raise InputError(f"beside {model}: follows a face itself; name a model of keypoints to measure beside it")
    return cast(AnimationPipeline, pipeline)
