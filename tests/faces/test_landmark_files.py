"""Landmarks survive every form; what is broken is refused in one line; nothing is left where writing fails."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.faces.landmark_files import LandmarkTrack, read_landmarks, write_landmarks

POINTS = np.random.default_rng(0).uniform(0, 300, (4, 68, 2)).astype(np.float32)


@pytest.fixture
def track() -> LandmarkTrack:
    """Four frames, the second and the last without a face."""
    points = POINTS.copy()
    points[[1, 3]] = np.nan
    return LandmarkTrack(points, (240, 320), Fraction(30000, 1001))


@pytest.mark.parametrize("suffix", [".npy", ".json", ".csv", ".NPY"])
def test_a_clip_is_read_as_it_was_written(tmp_path: Path, track: LandmarkTrack, suffix: str):
    path = tmp_path / f"a{suffix}"
    write_landmarks(path, track)
    again = read_landmarks(path)
    np.testing.assert_allclose(again.landmarks, track.landmarks, atol=1e-3)
    assert again.landmarks.dtype == np.float32 and again.present.tolist() == [True, False, True, False]
    knows = suffix == ".json"
    assert again.size == (track.size if knows else None)
    assert again.frame_rate == (track.frame_rate if knows else None)
    assert list(tmp_path.iterdir()) == [path]


def test_pts_is_one_frame_whose_first_pixel_is_one(tmp_path: Path, track: LandmarkTrack):
    write_landmarks(tmp_path / "a.pts", LandmarkTrack(POINTS[:1]))
    lines = (tmp_path / "a.pts").read_text().splitlines()
    assert lines[:3] == ["version: 1", "n_points: 68", "{"] and lines[-1] == "}"
    np.testing.assert_allclose([float(word) for word in lines[3].split()], POINTS[0, 0] + 1, atol=1e-3)
    np.testing.assert_allclose(read_landmarks(tmp_path / "a.pts").landmarks, POINTS[:1], atol=1e-3)
    with pytest.raises(InputError, match=r"b\.pts: a \.pts file is one frame, there are 4"):
        write_landmarks(tmp_path / "b.pts", track)
    assert not (tmp_path / "b.pts").exists()


def test_one_frame_and_whole_numbers_are_read(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.arange(136).reshape(68, 2))
    (tmp_path / "b.json").write_text(json.dumps(np.arange(136).reshape(68, 2).tolist()))
    for name in ("a.npy", "b.json"):
        np.testing.assert_array_equal(read_landmarks(tmp_path / name).landmarks.ravel(), np.arange(136))


def npy(tmp_path: Path, array: np.ndarray) -> bytes:
    np.save(tmp_path / "made.npy", array)
    return (tmp_path / "made.npy").read_bytes()


HEAD = "frame,point,x,y\n"
SOME = POINTS.copy()
SOME[2, 5] = np.nan


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"", "is no landmark file; give .npy"),
        ("a.npy", b"", "not a readable .npy file"),
        ("a.npy", b"\x93NUMPY\x01\x00broken", "not a readable .npy file"),
        ("a.npy", np.array([{}, "x"], dtype=object), "not a readable .npy file"),
        ("a.npy", POINTS[:, :5], "landmarks of shape"),
        ("a.npy", np.zeros((0, 68, 2)), "landmarks of shape"),
        ("a.npy", np.full((2, 68, 2), "x"), "expected numbers"),
        ("a.npy", np.full((2, 68, 2), np.nan), "no frame of it has a face"),
        ("a.npy", np.full((2, 68, 2), 1e300), "frame 0 has some"),
        ("a.npy", SOME, "frame 2 has some of its 68 points only"),
        ("a.json", b"{", "is no JSON"),
        ("a.json", b"\xff\xfe", "is no JSON"),
        ("a.json", b"{}", "has no list 'landmarks'"),
        ("a.json", b'{"landmarks": [[[1, 2]]]}', "frame 0 has no 68 points"),
        ("a.json", b'{"landmarks": [null]}', "no frame of it has a face"),
        ("a.csv", b"", "its first line is not frame,point,x,y"),
        ("a.csv", f"{HEAD}0,68,1,1\n".encode(), "row 2 is '0,68,1,1'"),
        ("a.csv", f"{HEAD}0,1,1,1\n0,1,1,1\n".encode(), "row 3 is '0,1,1,1'"),
        ("a.csv", f"{HEAD}0,1,1\n".encode(), "row 2 is"),
        ("a.csv", f"{HEAD}99999999999,0,1,1\n".encode(), "row 2 is"),
        ("a.csv", f"{HEAD}0,1,1,1\n".encode(), "frame 0 has some of its 68"),
        ("a.pts", b"version: 1\nn_points: 68\n{\n1 2\n", "expected 136"),
        ("a.pts", b"version: 1\n{\n1 two\n}", "is no .pts file"),
    ],
)
def test_what_is_broken_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes | np.ndarray, says: str):
    if isinstance(content, np.ndarray):
        content = npy(tmp_path, content)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says.replace("(", r"\(")) as caught:
        read_landmarks(tmp_path / name)
    assert "\n" not in str(caught.value) and str(tmp_path / name) in str(caught.value)


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, track: LandmarkTrack):
    for path, says in (
        (tmp_path / "a.txt", "are not written to '.txt'"),
        (tmp_path / "no" / "a.npy", "does not exist"),
    ):
        with pytest.raises(InputError, match=says):
            write_landmarks(path, track)
    with pytest.raises(InputError, match="cannot be read"):
        read_landmarks(tmp_path / "lost.npy")
    assert list(tmp_path.iterdir()) == []


def test_a_frame_number_far_beyond_the_others_is_refused(tmp_path: Path):
    lines = [f"999999,{point},1,{point}" for point in range(68)]
    (tmp_path / "a.csv").write_text("\n".join(["frame,point,x,y", *lines]))
    with pytest.raises(InputError, match="frame 999999 is far beyond the 1 frames that have lines"):
        read_landmarks(tmp_path / "a.csv")


@pytest.mark.parametrize("shape", ["(10000000000, 68, 2)", "(2, 68, 2)", "(-1, 68, 2)"])
def test_a_header_that_promises_other_numbers_than_follow_is_refused(tmp_path: Path, shape: str):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}".encode()
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(68 * 2 * 4)
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(InputError, match="not a readable .npy file"):
        read_landmarks(tmp_path / "a.npy")
