"""The functions at the top of the package: files by position, other fields by keyword, results as dataclasses."""

from pathlib import Path

import numpy as np
import pytest

import kinema as package
from kinema.core.progress import Advanced, Event
from kinema.tasks.animate import AnimateResult

from .loaded import given


def test_a_still_is_animated_by_one_call(pipeline, still: Path, make_clip, tmp_path: Path):
    told: list[Event] = []
    out = tmp_path / "out.gif"
    result = package.animate(
        str(still),
        make_clip("driving.mp4"),
        out,
        anchor="first",
        model="given",
        models=given(pipeline),
        progress=told.append,
    )
    assert isinstance(result, AnimateResult) and result.path == out and out.is_file() and result.frames == 6
    assert told[-1] == Advanced("animating", 6, 6)


def test_models_are_loaded_once(tiny_model: Path, still: Path, make_clip, tmp_path: Path):
    models = package.Models(device="cpu")
    driving = make_clip("driving.mp4")
    for name in ("a", "b"):
        package.animate(still, driving, tmp_path / name, model=str(tiny_model), models=models)
    assert models.animation(tiny_model) is models.animation(str(tiny_model))
    a, b = ([np.asarray(frame.image) for frame in package.open_video(tmp_path / name)] for name in "ab")
    assert np.array_equal(a, b)


def test_a_model_that_is_kept_still_has_to_serve_the_verb(tiny_model: Path):
    models = package.Models(device="cpu")
    models.animation(tiny_model)
    with pytest.raises(package.InputError, match="`kinema predict` needs a model of monkey_net"):
        models.prediction(tiny_model)


def test_a_wrong_field_is_named(still: Path, tmp_path: Path):
    with pytest.raises(package.InputError, match="field 'crop_drivin' .* known fields: .*crop_driving"):
        package.animate(still, still, tmp_path / "out.mp4", crop_drivin="none")
