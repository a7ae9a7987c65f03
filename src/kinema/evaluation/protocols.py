"""Runs a protocol on a model and a folder of clips, and gives figures with confidence intervals and baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinema.blocks.features import load_features
from kinema.core.checks import InputError
from kinema.core.progress import Progress, ignore
from kinema.evaluation.animation import evaluate_animation
from kinema.evaluation.doubts import worse_notes, worse_than_idle
from kinema.evaluation.parts import evaluate_parts
from kinema.evaluation.play.protocol import evaluate_play
from kinema.evaluation.prediction import evaluate_prediction
from kinema.evaluation.repose import evaluate_repose
from kinema.evaluation.request import REPEAT, EvaluateRequest, Instruments
from kinema.evaluation.smile.protocol import evaluate_smile
from kinema.runtime.models import Models

__all__ = ["PROTOCOLS", "REPEAT", "EvaluateRequest", "evaluate"]

# Protocol -> (what measures it, the ability that a system needs for it).
PROTOCOLS: dict[str, tuple[Callable[[Any, EvaluateRequest, Instruments], dict[str, Any]], str]] = {
    "reconstruction": (evaluate_animation, "animate"),
    "cross_look": (evaluate_animation, "animate"),
    "prediction": (evaluate_prediction, "predict"),
    "parts": (evaluate_parts, "parts"),
    "repose": (evaluate_repose, "repose"),
    "smile": (evaluate_smile, "smile"),
    "play": (evaluate_play, "play"),
}


def evaluate(request: EvaluateRequest, models: Models, progress: Progress = ignore) -> dict[str, Any]:
    """Measures a model.

    Args:
        request: what to measure.
        models: where the models come from.
        progress: told of every clip.

    Returns:
        JSON values: ``metrics.NAME.mean`` with ``low`` and ``high`` of a 95 % interval, the same under
        ``baselines.WHO``, ``per_clip`` rows, and what was measured how. ``worse_than.WHO`` lists the metrics in which
        the model is worse than a baseline that does nothing; ``familiarity``, where the model's own was measured, says
        how many clips look unlike those that it learned from.

    Raises:
        InputError: the protocol is unknown, or the folder has no clips that it can use.
    """
    measure, verb = PROTOCOLS[request.protocol]
    if request.beside is not None and request.protocol != "smile":
        raise InputError(
            f"beside {request.beside}: the protocol {request.protocol} measures one model; leave it out, or take smile"
        )
    instruments = Instruments(
        features=None if request.perceptual == "none" else load_features(request.perceptual),
        beside=None if request.beside is None else models.prediction(request.beside),
        progress=progress,
    )
    report = measure(models.get(verb, request.model), request, instruments)
    report["worse_than"] = worse_than_idle(report["metrics"], report["baselines"])
    report["notes"] = [*report.get("notes", []), *worse_notes(report)]
    return report | {"model": request.model, "beside": request.beside, "seed": request.seed}
