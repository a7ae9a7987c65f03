# pyright: strict
"""Predicts a video of what may follow a still, from the still alone; memory does not grow with its length."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request, Seed
from kinema.framing.pixels import to_frames, to_images
from kinema.framing.window import CropMode
from kinema.runtime.models import Models
from kinema.video import VideoWriter, read_image


class PredictRequest(Request):
    """What to continue, and how far.

    Attributes:
        source: picture file, or a video whose first frame is taken.
        output: file to write; its suffix decides the kind.
        frames: of the result, the source's own first.
        frame_rate: frames a second.
        seed: chooses among possible motions; None is the likeliest one.
        crop: part of the source that moves, as in the pipeline's ``prepare``.
        model: a monkey_net model with a predictor: shipped, a model folder, or the folder of a run.
    """

    source: Path
    output: Path
    frames: int = 32
    frame_rate: Fraction = Fraction(12)
    seed: Seed | None = None
    crop: CropMode = "auto"
    model: str = "monkey_net-emoji"


@dataclass(frozen=True)
class PredictResult:
    """What was written.

    Attributes:
        path: of the file.
        frames: written.
        size: (height, width) of them.
        frame_rate: of the result.
    """

    path: Path
    frames: int
    size: tuple[int, int]
    frame_rate: Fraction


def predict(request: PredictRequest, models: Models, progress: Progress = ignore) -> PredictResult:
    """Makes a video of a still.

    Args:
        request: what to do.
        models: where the model comes from.
        progress: told of the frames.

    Returns:
        What was written; the file appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, or the model cannot predict.
    """
    if request.frames < 2:
        raise InputError(f"--frames {request.frames}: give 2 or more, the still itself is the first")
    pipeline = models.prediction(request.model)
    picture = read_image(request.source)
    try:
        still = pipeline.frame(picture, request.crop).apply(picture)
    except InputError as error:
        raise InputError(f"{request.source}: {error}") from error
    animation = pipeline.prepare(to_frames(still))
    done = 1
    with VideoWriter(request.output, frame_rate=request.frame_rate, num_frames=request.frames) as writer:
        writer.write(still)
        for frames in pipeline.predict(animation, request.frames - 1, seed=request.seed):
            for image in to_images(frames):
                writer.write(image)
            done += len(frames)
            progress(Advanced("predicting", done, request.frames))
    return PredictResult(request.output, done, (still.shape[0], still.shape[1]), request.frame_rate)
