"""A still file -> a video of what may follow, guessed from the still alone; memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from kinema.core.checks import InputError
from kinema.systems.framing import CropMode, to_frames, to_images
from kinema.video import VideoWriter, read_image


@dataclass(frozen=True)
class PredictRequest:
    """What to continue, and how far.

    Attributes:
        source: picture file, or a video whose first frame is taken.
        output: file to write; its suffix decides the kind.
        frames: of the result, the source's own first.
        frame_rate: frames a second.
        seed: chooses among possible motions; None is the likeliest one.
        crop: part of the source that moves, as in the pipeline's ``prepare``.
        on_progress: frames done, frames in all.
    """

    source: Path
    output: Path
    frames: int = 32
    frame_rate: Fraction = Fraction(12)
    seed: int | None = None
    crop: CropMode = "auto"
    on_progress: Callable[[int, int | None], None] | None = None


def predict(pipeline: Any, request: PredictRequest) -> tuple[int, int]:
    """Makes a video of a still.

    Args:
        pipeline: of a monkey_net model with a predictor, from :func:`kinema.runtime.load.load`.
        request: what to do.

    Returns:
        (height, width) of the frames; the file appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, or the model cannot predict.
    """
    if request.frames < 2:
        raise InputError(f"--frames {request.frames}: give 2 or more, the still itself is the first")
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
            if request.on_progress is not None:
                request.on_progress(done, request.frames)
    return still.shape[0], still.shape[1]
