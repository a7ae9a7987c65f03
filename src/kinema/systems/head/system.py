"""head as an entry of the list of systems."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from kinema.core.checks import InputError
from kinema.systems.head.config import HeadConfig
from kinema.systems.head.model import HeadModel
from kinema.systems.system import System

_NO_TRAINING = (
    "head has nothing to learn: its geometry is measured, not trained; animate a photo with it at once, or learn a model "
    "of another kind of motion (kinema learn first_order FOLDER)"
)


def _refuse(*given: Any) -> NoReturn:
    raise InputError(_NO_TRAINING)


def _pipeline(model: HeadModel, **options: Any) -> Any:
    """Imported where used: the extra ``head`` may not be installed."""
    from kinema.systems.head.pipeline import HeadPipeline

    return HeadPipeline(model, **options)


def _read(folder: Path, *given: Any) -> NoReturn:
    _refuse()
