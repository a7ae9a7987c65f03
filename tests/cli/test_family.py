"""``kinema predict``, ``parts``, ``swap`` and ``animate --lock-background``, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kinema.video import probe, read_mask


@pytest.fixture(scope="module")
def models(make_model) -> dict[str, Path]:
    predictor = "{num_kp: 4, num_features: 8, covariance: false, residual: true, noise: 2}"
    return {
        "first_order": make_model(),
        "monkey_net": make_model(f"predictor={predictor}", system="monkey_net"),
        "co_part": make_model(system="co_part"),
    }


def test_predict_writes_as_many_frames_as_asked(kinema, models, assets: Path, tmp_path: Path):
    output = tmp_path / "moved.mp4"
    words = ["predict", assets / "portrait.jpg", "-o", output, "--frames", 5, "--fps", "30000/1001", "--seed", 3]
    code, _, err = kinema(*words, "--model", models["monkey_net"])
    assert code == 0 and "5 frames of 32x32 at 29.97 a second" in err
    assert probe(output).num_frames == 5


def test_parts_chooses_its_form_by_flag_or_suffix(kinema, models, assets: Path, tmp_path: Path):
    clip = assets / "emoji_1f31d.mp4"
    for output, flags in (("shown.mp4", []), ("masks", ["--masks"]), ("parts.json", []), ("told.json", ["--json"])):
        code, _, err = kinema("parts", clip, "-o", tmp_path / output, *flags, "--model", models["co_part"])
        assert code == 0 and "can tell 4 apart" in err, err
    assert probe(tmp_path / "shown.mp4").num_frames == 16
    assert read_mask(tmp_path / "masks" / "00015.png").shape == (64, 64)
    assert (tmp_path / "parts.json").read_text() == (tmp_path / "told.json").read_text()
    assert len(json.loads((tmp_path / "parts.json").read_text())["frames"]) == 16


def test_swap_gives_parts_of_a_still_to_a_clip(kinema, models, assets: Path, tmp_path: Path):
    words = ["swap", assets / "portrait.jpg", assets / "emoji_1f31d.mp4", "-o", tmp_path / "swapped.mp4"]
    code, _, err = kinema(*words, "--parts", "0,3", "--hard", "--model", models["co_part"])
    assert code == 0 and "16 frames with parts 0,3 of" in err
    assert probe(tmp_path / "swapped.mp4").num_frames == 16


def test_animate_locks_the_background_by_another_models_parts(kinema, models, assets: Path, tmp_path: Path):
    words = ["animate", assets / "portrait.jpg", assets / "emoji_1f31d.mp4", "-o", tmp_path / "moved.mp4"]
    for name in ("first_order", "co_part"):
        locked = ["--lock-background", "--parts-model", models["co_part"]]
        code, _, err = kinema(*words, "--model", models[name], *locked, "-y")
        assert code == 0 and "16 frames" in err, err


def test_options_of_one_system_are_refused_by_others(kinema, models, assets: Path, tmp_path: Path):
    words = ["animate", assets / "portrait.jpg", assets / "emoji_1f31d.mp4", "-o", tmp_path / "moved.mp4"]
    for flag in ("--adapt-variance", "--clip-mean"):
        code, _, err = kinema(*words, flag, "--model", models["first_order"], "-y")
        assert code == 2 and f"{flag[2:].replace('-', '_')} is for models of monkey_net" in err and err.count("\n") == 1
        code, _, err = kinema(*words, flag, "--model", models["monkey_net"], "-y")
        assert code == 0, err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["predict", "{portrait}", "--frames", "1", "--model", "{monkey_net}"], "give 2 or more"),
        (["predict", "{portrait}", "--fps", "fast", "--model", "{monkey_net}"], "frame rate 'fast'"),
        (["predict", "{portrait}", "--model", "{co_part}"], "`kinema predict` needs a model of monkey_net"),
        (["parts", "{portrait}", "--model", "{first_order}"], "`kinema parts` needs a model of co_part"),
        (["parts", "{portrait}", "--masks", "--json", "--model", "{co_part}"], "choose one"),
        (["parts", "{portrait}", "--opacity", "2", "--model", "{co_part}"], "--opacity 2.0"),
        (["swap", "{portrait}", "{portrait}", "--parts", "nose", "--model", "{co_part}"], "expected whole numbers"),
        (["swap", "{portrait}", "{portrait}", "--parts", "9", "--model", "{co_part}"], "of 0 (background) to 4"),
        (["swap", "{portrait}", "nowhere.mp4", "--parts", "1", "--model", "{co_part}"], "nowhere.mp4: no such file"),
    ],
)
def test_what_a_person_can_mend_is_one_line(kinema, models, assets: Path, tmp_path: Path, words, says):
    places = {"portrait": assets / "portrait.jpg", **models}
    code, _, err = kinema(*(word.format(**places) for word in words), "-o", tmp_path / "out.mp4")
    assert code == 2 and says in err and err.count("\n") == 1, err
    assert list(tmp_path.iterdir()) == []
