"""A still begins to move: the first frame is the still, a seed chooses, length costs no memory."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.runtime.load import load, load_for
from kinema.tasks.predict import PredictRequest, predict
from kinema.video import open_video, probe, read_image

from ..loaded import given


@pytest.fixture(scope="module")
def predicting(predictor_model: Path):
    pipeline = load(predictor_model, device="cpu")
    pipeline.model.predictor.linear.weight.data.normal_(std=0.3)  # as if it had learned to move
    return pipeline


def frames_of(path: Path) -> np.ndarray:
    with open_video(path) as reader:
        return np.stack([frame.image for frame in reader])


def test_a_still_becomes_a_clip_of_the_length_and_rate_asked_for(predicting, still, tmp_path: Path):
    request = PredictRequest(
        source=still, output=tmp_path / "moved.mp4", frames=7, frame_rate=Fraction(30000, 1001), model="given"
    )
    result = predict(request, given(predicting))
    height, width = result.size
    assert result.frames == 7
    info = probe(tmp_path / "moved.mp4")
    assert (info.height, info.width) == (height, width) == (32, 32) and info.frame_rate == Fraction(30000, 1001)
    assert len(frames_of(tmp_path / "moved.mp4")) == 7


def test_the_first_frame_is_the_still_and_others_move(predicting, still, tmp_path: Path):
    predict(
        PredictRequest(source=still, output=tmp_path / "moved", frames=6, crop="none", model="given"), given(predicting)
    )
    frames, picture = frames_of(tmp_path / "moved"), read_image(still)
    assert (frames[0] == predicting.frame(picture, "none").apply(picture)).all()
    assert all((frames[0] != frame).any() for frame in frames[1:]) and (frames[1] != frames[5]).any()


def test_a_seed_chooses_among_motions(predicting, still, tmp_path: Path):
    made = {}
    for name, seed in (("a", None), ("b", 1), ("c", 1), ("d", 2)):
        predict(
            PredictRequest(source=still, output=tmp_path / name, frames=5, seed=seed, model="given"), given(predicting)
        )
        made[name] = frames_of(tmp_path / name)
    assert (made["b"] == made["c"]).all()
    assert (made["a"] != made["b"]).any() and (made["b"] != made["d"]).any()


def test_a_model_that_cannot_predict_says_what_to_do(make_model, predictor_model, still, tmp_path: Path):
    plain = load(make_model(system="monkey_net"), device="cpu")
    with pytest.raises(InputError, match="--stage predictor --start-from MODEL"):
        predict(PredictRequest(source=still, output=tmp_path / "moved.mp4", model="given"), given(plain))
    other = make_model(system="co_part")
    with pytest.raises(InputError, match="which serves animate and parts and swap; `kinema predict` needs a model of"):
        load_for("predict", other, device="cpu")
    assert load_for("predict", predictor_model, device="cpu").model.predictor is not None
    with pytest.raises(InputError, match="give 2 or more"):
        predict(PredictRequest(source=still, output=tmp_path / "moved.mp4", frames=1, model="given"), given(plain))
    assert not (tmp_path / "moved.mp4").exists()
