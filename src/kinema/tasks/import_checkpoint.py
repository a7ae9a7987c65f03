# pyright: strict
"""Turns a checkpoint of a paper's authors into a model folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinema.core.checks import InputError
from kinema.core.progress import Progress, ignore
from kinema.core.request import Request
from kinema.weights.authors.checkpoint import DEFAULT_SYSTEM, import_checkpoint
from kinema.weights.authors.keras import KERAS_SUFFIXES, KERAS_SYSTEM, import_keras


class ImportRequest(Request):
    """Which checkpoint to read.

    Attributes:
        checkpoint: the authors' .pth.tar, or the .h5 of pose-gan's generator.
        output: model folder to make.
        config: YAML that a .pth.tar was trained with.
        system: that the checkpoint belongs to; None takes first_order for a .pth.tar, a .h5 tells it.
        assignments: of a .h5, settings that its weights do not tell, such as "motion.kind=full".
        align_corners: the sampling rule of its training: torch before 1.3 aligned, later ones did not.
    """

    checkpoint: Path
    output: Path
    config: Path | None = None
    system: str | None = None
    assignments: tuple[str, ...] = ()
    align_corners: bool = True


@dataclass(frozen=True)
class ImportResult:
    """What was written.

    Attributes:
        path: of the model folder.
        system: that the model belongs to.
        size: (height, width) of its frames.
        num_weights: numbers in its networks.
        epoch: that the checkpoint was written after, where it says so.
    """

    path: Path
    system: str
    size: tuple[int, int]
    num_weights: int
    epoch: int | None


def import_model(request: ImportRequest, progress: Progress = ignore) -> ImportResult:
    """Reads tensors only, never code; writes safetensors.

    Args:
        request: what to read.
        progress: told nothing yet: reading takes seconds.

    Returns:
        What was written; the folder appears whole or not at all.

    Raises:
        InputError: the checkpoint cannot be read, or does not fit its config.
        MissingExtraError: the extra ``keras`` is not installed.
    """
    if request.checkpoint.suffix.lower() in KERAS_SUFFIXES:
        for name, given in (("config", request.config), ("system", request.system)):
            if given not in (None, KERAS_SYSTEM):
                raise InputError(
                    f"--{name} {given}: a Keras file is pose-gan's and tells its config; use --set for the rest"
                )
        system = KERAS_SYSTEM
        made = import_keras(request.checkpoint, request.output, assignments=request.assignments)
    else:
        if request.config is None or request.assignments:
            raise InputError(
                f"{request.checkpoint}: a .pth.tar needs --config YAML, which it was trained with, and no --set"
            )
        system = request.system or DEFAULT_SYSTEM
        made = import_checkpoint(
            request.checkpoint, request.config, request.output, system=system, align_corners=request.align_corners
        )
    return ImportResult(made.folder, system, made.config.size, made.num_weights, made.epoch)
