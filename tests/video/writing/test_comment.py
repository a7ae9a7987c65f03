"""A comment stands in the file's metadata, where other programs find it, and the pictures stay as they are."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from PIL import Image as pil

from kinema.video import VideoWriter, open_video, write_image

COMMENT = "made by a machine; <synthetic>, ü"
IMAGE = np.arange(16 * 24 * 3, dtype=np.uint32).reshape(16, 24, 3).astype(np.uint8)


def said_in(path: Path) -> str:
    """The comment, as FFmpeg or Pillow reads it."""
    if path.suffix in (".mp4", ".mov", ".mkv", ".webm", ".avi"):
        with av.open(str(path)) as container:
            return {key.lower(): value for key, value in container.metadata.items()}["comment"]
    with pil.open(path) as picture:
        if path.suffix == ".tif":
            return picture.getexif()[270]
        if path.suffix == ".webp":
            items = ElementTree.fromstring(picture.info["xmp"]).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")
            return next(items).text or ""
        picture.load()
        said = picture.info.get("Comment", picture.info.get("comment"))
        return said.decode() if isinstance(said, bytes) else str(said)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif", ".webp"])
def test_videos_carry_a_comment(suffix: str, tmp_path: Path):
    frames = [np.roll(IMAGE, shift, axis=1) for shift in range(5)]
    read = {}
    for name, comment in (("plain", None), ("told", COMMENT)):
        with VideoWriter(tmp_path / f"{name}{suffix}", frame_rate=Fraction(10), comment=comment) as writer:
            for frame in frames:
                writer.write(frame)
        read[name] = np.stack([frame.image for frame in open_video(tmp_path / f"{name}{suffix}")])
    assert np.array_equal(read["plain"], read["told"]) and len(read["told"]) == 5
    if suffix == ".gif":  # the comment comes after the last frame, where Pillow does not look
        assert b"\x21\xfe" + bytes([len(COMMENT.encode())]) + COMMENT.encode() in (tmp_path / "told.gif").read_bytes()
    else:
        assert said_in(tmp_path / f"told{suffix}") == COMMENT


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_pictures_carry_a_comment(suffix: str, tmp_path: Path):
    write_image(tmp_path / f"told{suffix}", IMAGE, comment=COMMENT.replace("ü", "u"))
    write_image(tmp_path / f"plain{suffix}", IMAGE)
    assert said_in(tmp_path / f"told{suffix}") == COMMENT.replace("ü", "u")
    told, plain = (np.asarray(pil.open(tmp_path / f"{name}{suffix}")) for name in ("told", "plain"))
    assert np.array_equal(told, plain)


def test_every_picture_of_a_folder_carries_a_comment(tmp_path: Path):
    with VideoWriter(tmp_path / "frames", frame_rate=Fraction(10), comment=COMMENT) as writer:
        writer.write(IMAGE)
        writer.write(IMAGE)
    assert [said_in(path) for path in sorted((tmp_path / "frames").iterdir())] == [COMMENT, COMMENT]
