"""head as an entry of the list of systems."""

from __future__ import annotations

from typing import Any, NoReturn

from kinema.core.checks import InputError
from kinema.systems.head.config import HeadConfig
from kinema.systems.head.model import HeadModel
from kinema.systems.system import System

_NO_TRAINING = (
    "head has nothing to learn: its geometry is measured, not trained; animate a photo with it at once, or learn a "
    "model of another kind of motion (kinema learn first_order FOLDER)"
)


def _refuse(*given: Any) -> NoReturn:
    raise InputError(_NO_TRAINING)


def _make_pipeline(model: HeadModel, **options: Any) -> Any:
    """The pipeline; its packages come with the extra ``head`` and are imported where they are needed."""
    from kinema.systems.head.pipeline import HeadPipeline

    return HeadPipeline(model, **options)


SYSTEM = System(
    name="head",
    summary="a photographed face follows a person's, as a sheet in space, at the photo's own size",
    config=HeadConfig,
    presets={},
    make_training=_refuse,
    make_model=HeadModel,
    make_pipeline=_make_pipeline,
    model_nets=(),
    read_examples=_refuse,
    bench=None,
    no_training=_NO_TRAINING,
)
