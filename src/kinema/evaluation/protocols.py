"""A model and a folder of clips -> measured figures with confidence intervals, beside baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinema.core.checks import InputError
from kinema.evaluation.animation import evaluate_animation
from kinema.evaluation.parts import evaluate_parts
from kinema.evaluation.play.protocol import evaluate_play
from kinema.evaluation.prediction import evaluate_prediction
from kinema.evaluation.repose import evaluate_repose
from kinema.evaluation.request import REPEAT, EvaluateRequest
from kinema.evaluation.smile.protocol import evaluate_smile

__all__ = ["PROTOCOLS", "REPEAT", "EvaluateRequest", "evaluate"]

# Protocol -> (what measures it, the ability that a system needs for it).
PROTOCOLS: dict[str, tuple[Callable[[Any, EvaluateRequest], dict[str, Any]], str]] = {
    "reconstruction": (evaluate_animation, "animate"),
    "cross_look": (evaluate_animation, "animate"),
    "prediction": (evaluate_prediction, "predict"),
    "parts": (evaluate_parts, "parts"),
    "repose": (evaluate_repose, "repose"),
    "smile": (evaluate_smile, "smile"),
    "play": (evaluate_play, "play"),
}


def evaluate(pipeline: Any, request: EvaluateRequest) -> dict[str, Any]:
    """Measures a model.

    Args:
        pipeline: from :func:`kinema.runtime.load.load`.
        request: what to measure.

    Returns:
        JSON values: ``metrics.NAME.mean`` with ``low`` and ``high`` of a 95 % interval, the same under
        ``baselines.WHO``, ``per_clip`` rows, and what was measured how.

    Raises:
        InputError: the protocol is unknown, or the folder has no clips that it can use.
    """
    return PROTOCOLS[check_protocol(request.protocol)][0](pipeline, request)


def check_protocol(name: str) -> str:
    """The name itself.

    Raises:
        InputError: there is no such protocol.
    """
    if name not in PROTOCOLS:
        raise InputError(f"protocol '{name}' is unknown; known: {', '.join(PROTOCOLS)}")
    return name
