"""A clip plays as a camera would; cameras that are not there are refused in one line."""

from __future__ import annotations

import itertools
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.video import VideoWriter, open_video
from kinema.video.camera import camera_address, camera_shots, clip_shots


def test_a_clip_plays_at_its_own_rate(tmp_path: Path):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, frame_rate=Fraction(20)) as writer:
        for level in range(6):
            writer.write(np.full((16, 16, 3), 30 * level, dtype=np.uint8))
    with open_video(path) as reader:
        step, count = float(1 / reader.info.frame_rate), sum(1 for _ in reader)
    shots = list(clip_shots(path))
    times = [shot.arrived - shots[0].arrived for shot in shots]
    assert len(shots) == count
    assert all(time > number * step - 0.5 * step for number, time in enumerate(times)), "none comes before its time"
    again = list(itertools.islice(clip_shots(path, repeat=True), count + 2))
    assert (again[count].image == again[0].image).all() and again[count].arrived > again[count - 1].arrived


def test_addresses_of_cameras():
    assert camera_address("1", "linux") == ("/dev/video1", "v4l2", {})
    assert camera_address("/dev/v4l/by-id/x", "linux")[0] == "/dev/v4l/by-id/x"
    assert camera_address("0", "darwin") == ("0", "avfoundation", {"framerate": "30"})
    assert camera_address("Integrated Camera", "win32")[:2] == ("video=Integrated Camera", "dshow")


@pytest.mark.skipif(sys.platform != "linux" or Path("/dev/video77").exists(), reason="asks Linux for a camera")
def test_a_camera_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"camera 77: cannot be opened as /dev/video77 .*--driving"):
        camera_shots("77")


def test_a_clip_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="missing.mp4"):
        next(clip_shots(tmp_path / "missing.mp4"))
