"""Clips that are taken away while they are read: what was opened is read through, else one line says it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.video import VideoWriter, open_video


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.gif", "a.webp"])
def test_a_file_that_is_removed_is_read_through(
    tmp_path: Path, square_frames: Callable[..., list[np.ndarray]], name: str
):
    with VideoWriter(tmp_path / name, frame_rate=Fraction(25)) as writer:
        for image in square_frames(12):
            writer.write(image)
    with open_video(tmp_path / name) as reader:
        next(reader)
        (tmp_path / name).unlink()
        assert len(list(reader)) == 11
    with pytest.raises(InputError, match="no such file"):
        open_video(tmp_path / name)


def test_a_folder_that_is_removed_is_one_line(tmp_path: Path, square_frames: Callable[..., list[np.ndarray]]):
    with VideoWriter(tmp_path / "frames", frame_rate=Fraction(25)) as writer:
        for image in square_frames(3):
            writer.write(image)
    with open_video(tmp_path / "frames") as reader, pytest.raises(InputError, match=r"00001\.png: "):
        next(reader)
        shutil.rmtree(tmp_path / "frames")
        next(reader)
