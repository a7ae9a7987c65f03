"""A tiny model, and clips as cameras and phones write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinema.data.synthetic import moving_shapes
from kinema.runtime.load import load
from kinema.video import VideoWriter, write_image

MakeClip = Callable[..., Path]


@pytest.fixture(scope="session")
def pipeline(tiny_model: Path) -> Any:
    """The tiny model, loaded as a user loads it."""
    return load(tiny_model, device="cpu")


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Writes shapes that move: name, (height, width), number of frames or their times."""

    def make(
        name: str,
        size: tuple[int, int] = (48, 64),
        frames: int = 6,
        *,
        rate: Fraction = Fraction(10),
        times: Sequence[Fraction] | None = None,
        sound: Path | None = None,
        seed: int = 1,
    ) -> Path:
        path = tmp_path / name
        count = frames if times is None else len(times)
        with VideoWriter(path, frame_rate=rate, audio_from=sound, preset="ultrafast") as writer:
            for index, image in enumerate(moving_shapes(1, count, size, seed=seed)[0]):
                writer.write(image, None if times is None else times[index])
        return path

    return make


@pytest.fixture
def still(tmp_path: Path) -> Path:
    """A picture of 40x60 (height x width) pixels."""
    path = tmp_path / "still.png"
    write_image(path, moving_shapes(1, 1, (40, 60), seed=9)[0, 0])
    return path


@pytest.fixture
def read_all() -> Callable[[Path], tuple[np.ndarray, list[Fraction]]]:
    """A clip as (T, H, W, 3) uint8 and its times."""
    from kinema.video import open_video

    def read(path: Path) -> tuple[np.ndarray, list[Fraction]]:
        with open_video(path) as reader:
            frames = list(reader)
        return np.stack([frame.image for frame in frames]), [frame.time_seconds for frame in frames]

    return read
