"""A model and a folder of clips -> measured figures with confidence intervals, beside baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinema.blocks.features import load_features
from kinema.core.checks import InputError
from kinema.core.progress import Progress, ignore
from kinema.evaluation.animation import evaluate_animation
from kinema.evaluation.head import evaluate_head
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
    "head": (evaluate_head, "face"),
}


def evaluate(request: EvaluateRequest, models: Models, progress: Progress = ignore) -> dict[str, Any]:
    """Measures a model.

    Args:
        request: what to measure.
        models: where the models come from.
        progress: told of every clip.

    Returns:
        JSON values: ``metrics.NAME.mean`` with ``low`` and ``high`` of a 95 % interval, the same under
        ``baselines.WHO``, ``per_clip`` rows, and what was measured how.

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
    return report | {"model": request.model, "beside": request.beside, "seed": request.seed}
