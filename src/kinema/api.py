# pyright: strict
"""Offers the verbs as functions: the fields of a request as keywords, a result back, progress by a callback.

Each takes the main files by position and every other field of its request by keyword. ``models`` keeps loaded models
for the next call, ``progress`` is told how far the task is.
"""

from __future__ import annotations

from functools import cache
from os import PathLike
from typing import Any

from kinema.core.progress import Progress, ignore
from kinema.evaluation.protocols import EvaluateRequest
from kinema.evaluation.protocols import evaluate as run_evaluate
from kinema.runtime.models import Models
from kinema.tasks.animate import AnimateRequest, AnimateResult
from kinema.tasks.animate import animate as run_animate
from kinema.tasks.heads.face import FaceRequest, FaceResult
from kinema.tasks.heads.face import face as run_face
from kinema.tasks.learn import LearnRequest, LearnResult
from kinema.tasks.learn import learn as run_learn
from kinema.tasks.parts import PartsRequest, PartsResult
from kinema.tasks.parts import find_parts as run_parts
from kinema.tasks.predict import PredictRequest, PredictResult
from kinema.tasks.predict import predict as run_predict
from kinema.tasks.repose import ReposeRequest, ReposeResult
from kinema.tasks.repose import repose as run_repose
from kinema.tasks.smile import SmileRequest, SmileResult
from kinema.tasks.smile import smile as run_smile
from kinema.tasks.swap import SwapRequest, SwapResult
from kinema.tasks.swap import swap as run_swap

Path = str | PathLike[str]


@cache
def shared_models() -> Models:
    """The models of calls that bring none of their own: on a GPU where there is one, each loaded once."""
    return Models()


def animate(
    source: Path,
    driving: Path,
    output: Path,
    *,
    models: Models | None = None,
    progress: Progress = ignore,
    **options: object,
) -> AnimateResult:
    """Moves a still as a driving video moves.

    Args:
        source: picture file, or a video whose first frame is taken.
        driving: video, animated picture or folder of frames that gives the motion.
        output: file or folder to write; its suffix decides the kind.
        models: where models come from; None shares those of earlier calls.
        progress: told how far the task is.
        options: the other fields of :class:`AnimateRequest`.

    Raises:
        InputError: a file cannot be read or written, or a field is refused; one line says which and what is accepted.
    """
    return run_animate(
        AnimateRequest.of(source=source, driving=driving, output=output, **options), models or shared_models(), progress
    )


def predict(
    source: Path, output: Path, *, models: Models | None = None, progress: Progress = ignore, **options: object
) -> PredictResult:
    """Predicts how a still may move, without a driving video.

    Args:
        source: picture file, or a video whose first frame is taken.
        output: file or folder to write; its suffix decides the kind.
        models: where models come from; None shares those of earlier calls.
        progress: told how far the task is.
        options: the other fields of :class:`PredictRequest`.

    Raises:
        InputError: a file cannot be read or written, or a field is refused; one line says which and what is accepted.
    """
    return run_predict(PredictRequest.of(source=source, output=output, **options), models or shared_models(), progress)


def parts(
    source: Path, output: Path, *, models: Models | None = None, progress: Progress = ignore, **options: object
) -> PartsResult:
    """Finds the parts of an object: overlay, masks or numbers.

    Args:
        source: picture file, or a video whose first frame is taken.
        output: file or folder to write; its suffix decides the kind.
        models: where models come from; None shares those of earlier calls.
        progress: told how far the task is.
        options: the other fields of :class:`PartsRequest`.

    Raises:
        InputError: a file cannot be read or written, or a field is refused; one line says which and what is accepted.
    """
    return run_parts(PartsRequest.of(source=source, output=output, **options), models or shared_models(), progress)


def swap(
    source: Path,
    target: Path,
    output: Path,
    *,
    models: Models | None = None,
    progress: Progress = ignore,
    **options: object,
) -> SwapResult:
    """Puts parts of one picture onto another picture or video.

    Args:
        source: picture file, or a video whose first frame is taken.
        target: picture or video that receives the parts.
        output: file or folder to write; its suffix decides the kind.
        models: where models come from; None shares those of earlier calls.
        progress: told how far the task is.
        options: the other fields of :class:`SwapRequest`.

    Raises:
        InputError: a file cannot be read or written, or a field is refused; one line says which and what is accepted.
    """
    return run_swap(
        SwapRequest.of(source=source, target=target, output=output, **options), models or shared_models(), progress
    )


def repose(
    photo: Path,
    pose: Path,
    output: Path,
    *,
    models: Models | None = None,
    progress: Progress = ignore,
    **options: object,
) -> ReposeResult:
    """Brings the person of a photo into other poses.

    Args:
        photo: picture file of a person or face.
        pose: picture, video or pose file whose poses are taken.
        output: file or folder to write; its suffix decides the kind.
        models: where models come from; None shares those of earlier calls.
        progress: told how far the task is.
        options: the other fields of :class:`ReposeRequest`.

    Raises:
        InputError: a file cannot be read or written, or a field is refused; one line says which and what is accepted.
    """
    return run_repose(
        ReposeRequest.of(photo=photo, pose=pose, output=output, **options), models or shared_models(), progress
    )


def smile(
    photo: Path, output: Path, *, models: Models | None = None, progress: Progress = ignore, **options: object
) -> SmileResult:
    """Makes the neutral face of a photo smile, in several variations.

    Args:
        photo: picture file of a person or face.
        output: file or folder to write; its suffix decides the kind.
        models: where models come from; None shares those of earlier calls.
        progress: told how far the task is.
        options: the other fields of :class:`SmileRequest`.

    Raises:
        InputError: a file cannot be read or written, or a field is refused; one line says which and what is accepted.
    """
    return run_smile(SmileRequest.of(photo=photo, output=output, **options), models or shared_models(), progress)


def face(
    photo: Path, output: Path, *, models: Models | None = None, progress: Progress = ignore, **options: object
) -> FaceResult:
    """Lets the face of a photo show something else, by sliders, keys or a ready-made movement.

    Args:
        photo: picture file of a person or face.
        output: file or folder to write; its suffix decides the kind.
        models: where models come from; None shares those of earlier calls.
        progress: told how far the task is.
        options: the other fields of :class:`FaceRequest`; ``pose`` takes a mapping of sliders too.

    Raises:
        InputError: a file cannot be read or written, or a field is refused; one line says which and what is accepted.
    """
    return run_face(FaceRequest.of(photo=photo, output=output, **options), models or shared_models(), progress)


def evaluate(
    model: Path, folder: Path, *, models: Models | None = None, progress: Progress = ignore, **options: object
) -> dict[str, Any]:
    """Measures a model on a folder of clips, with 95 % intervals and baselines.

    Args:
        model: shipped model, model folder, or folder of a run.
        folder: of clips; where splits are stated, the test split.
        models: where models come from; None shares those of earlier calls.
        progress: told how far the task is.
        options: the other fields of :class:`EvaluateRequest`.

    Raises:
        InputError: a file cannot be read or written, or a field is refused; one line says which and what is accepted.
    """
    return run_evaluate(
        EvaluateRequest.of(model=str(model), folder=folder, **options), models or shared_models(), progress
    )


def learn(system: str, folder: Path, output: Path, *, progress: Progress = ignore, **options: object) -> LearnResult:
    """Learns a model from a folder of clips, or of what else the system learns from.

    Args:
        system: to train, such as "first_order".
        folder: of clips.
        output: folder of the run; its model is OUTPUT/model.
        progress: told of files read, files left out, and every line of the log.
        options: the other fields of :class:`LearnRequest`.

    Raises:
        InputError: nothing can be read, the run folder cannot be used, or a field is refused.
    """
    return run_learn(LearnRequest.of(system=system, folder=folder, output=output, **options), progress)
