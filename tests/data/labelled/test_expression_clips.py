"""Both layouts of labelled clips are read alike; what is broken is refused in one line; styles are read apart."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.data.labelled.expression_clips import check_labels, labelled_splits, read_hidden_styles, read_labelled_clips

POINTS = np.arange(3 * 68 * 2, dtype=np.float32).reshape(3, 68, 2)


def write_table(path: Path, identities: list[int], **extra: np.ndarray) -> None:
    count = len(identities)
    np.savez(
        path,
        clip=np.array([f"{path.stem}/{index}.mp4" for index in range(count)]),
        label=np.arange(count) % 2,
        label_names=np.array(["posed", "spontaneous"]),
        identity=np.array(identities),
        landmarks=np.stack([POINTS] * count).astype(np.float16),
        style=np.arange(count) % 3,
        **extra,
    )


def write_csv(folder: Path, *lines: str) -> None:
    np.save(folder / "points.npy", POINTS)
    (folder / "clips.csv").write_text("clip, label, identity, landmarks, split\n" + "\n".join(lines) + "\n")


def test_a_table_is_read(tmp_path: Path):
    write_table(tmp_path / "train.npz", [7, 8, 7])
    write_table(tmp_path / "test.npz", [1])
    np.savez(tmp_path / "other.npz", x=POINTS)
    assert labelled_splits(tmp_path) == ("test", "train")
    clips = read_labelled_clips(tmp_path, "train")
    assert [clip.code for clip in clips] == ["train/0", "train/1", "train/2"]
    assert [clip.label for clip in clips] == ["posed", "spontaneous", "posed"]
    assert [clip.identity for clip in clips] == ["7", "8", "7"]
    assert clips[0].path == tmp_path / "train/0.mp4"
    # There the centre of the first pixel is 0.5, here 0.
    np.testing.assert_array_equal(clips[1].landmarks, POINTS - 0.5)
    assert not any("style" in vars(clip) for clip in clips)
    assert read_hidden_styles(tmp_path, "train") == {"train/0": 0, "train/1": 1, "train/2": 2}


def test_a_list_is_read(tmp_path: Path):
    write_csv(
        tmp_path, "b.mp4,happy,anna,points.npy,", "a.mp4,sad,ben,points.npy,train", "c.mp4,sad,eve,points.npy,test"
    )
    assert labelled_splits(tmp_path) == ("test", "train")
    clips = read_labelled_clips(tmp_path)
    assert [(clip.code, clip.label, clip.identity) for clip in clips] == [("a", "sad", "ben"), ("b", "happy", "anna")]
    np.testing.assert_array_equal(clips[0].landmarks, POINTS)
    check_labels(clips, ("happy", "sad"))
    with pytest.raises(InputError, match=r"clip 'a' is labelled 'sad'.*set labels=\[happy, sad\]"):
        check_labels(clips, ("happy", "posed"))


def test_what_a_spreadsheet_and_a_mac_make_of_a_list(tmp_path: Path):
    stored = unicodedata.normalize("NFD", "caf\u00e9")
    for name in (f"{stored}.mp4", f"{stored}.npy"):
        (tmp_path / name).touch()
    np.save(tmp_path / f"{stored}.npy", POINTS)
    lines = [
        "Clip,Label,Identity,Landmarks,Split",
        "caf\u00e9.mp4,happy,anna,caf\u00e9.npy,Train",
        ",,,,",
        "b.mp4,sad,ben,,TEST",
    ]
    (tmp_path / "clips.csv").write_text("\r\n".join([*lines, ",,,,"]) + "\r\n", encoding="utf-8-sig")
    assert labelled_splits(tmp_path) == ("test", "train")
    (clip,) = read_labelled_clips(tmp_path)
    assert clip.code == "caf\u00e9" and clip.path == tmp_path / f"{stored}.mp4"
    np.testing.assert_array_equal(clip.landmarks, POINTS)


def test_case_of_a_tables_name_does_not_matter(tmp_path: Path):
    write_table(tmp_path / "Train.npz", [7, 8])
    write_table(tmp_path / "Testing.npz", [1])
    assert labelled_splits(tmp_path) == ("test", "train")
    assert [clip.identity for clip in read_labelled_clips(tmp_path, "test")] == ["1"]
    assert read_hidden_styles(tmp_path, "train") == {"Train/0": 0, "Train/1": 1}
    write_table(tmp_path / "training.npz", [9])
    with pytest.raises(InputError, match=r"Train.npz and training.npz are of one split; keep one of them"):
        read_labelled_clips(tmp_path)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("a.mp4,happy,anna,gap.npy,",), "landmarks of 3 frames, 1 of them without a face"),
        (("a.mp4,happy,anna,no.npy,",), "no.npy: cannot be read"),
        (("a.mp4,,anna,points.npy,",), "a line has no clip or label"),
        (("a.mp4,happy,anna,points.npy,", "a.mp4,sad,ben,points.npy,"), "listed twice"),
        (("a.mp4,happy,anna,points.npy,", "b.mp4,sad,anna,points.npy,test"), "person 'anna' is in the splits"),
        (("a.mp4,happy,anna,points.npy,test",), "no labelled clips of split 'train'; splits there: test"),
        (("a.mp4,happy,anna,flat.npy,",), "landmarks of shape"),
    ],
)
def test_a_broken_list_is_refused_in_one_line(tmp_path: Path, lines: tuple[str, ...], said: str):
    write_csv(tmp_path, *lines)
    np.save(tmp_path / "flat.npy", POINTS[:, 0])
    gap = POINTS.copy()
    gap[1] = np.nan
    np.save(tmp_path / "gap.npy", gap)
    with pytest.raises(InputError, match=said) as caught:
        read_labelled_clips(tmp_path)
    assert "\n" not in str(caught.value)


def test_landmarks_may_be_left_out(tmp_path: Path):
    (tmp_path / "clips.csv").write_text("clip,label,identity\na.mp4,happy,anna\n")
    (clip,) = read_labelled_clips(tmp_path)
    assert clip.landmarks is None
    with pytest.raises(InputError, match="clip 'a' has no landmarks"):
        clip.known_landmarks()


def test_other_folders_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="give a folder with clips.csv or SPLIT.npz"):
        read_labelled_clips(tmp_path)
    (tmp_path / "clips.csv").write_text("name,label\na,b\n")
    with pytest.raises(InputError, match="its first line is not clip,label,identity"):
        read_labelled_clips(tmp_path)
    (tmp_path / "clips.csv").unlink()
    write_table(tmp_path / "train.npz", [1, 2])
    write_table(tmp_path / "test.npz", [2])
    with pytest.raises(InputError, match="person '2' is in the splits train and test"):
        read_labelled_clips(tmp_path, "train")
    np.savez(tmp_path / "val.npz", clip=np.array(["a"]))
    with pytest.raises(InputError, match="has no 'style'"):
        read_hidden_styles(tmp_path, "val")
