"""A tiny model, and clips as cameras and phones write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

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


@pytest.fixture(scope="session")
def parts_model(make_model: Callable[..., Path]) -> Path:
    """Folder of a tiny co_part of four parts, all of which random weights show."""
    return make_model("keypoints.background_init=0", system="co_part")


@pytest.fixture(scope="session")
def parts_pipeline(parts_model: Path) -> Any:
    """A tiny co_part, loaded as a user loads it."""
    return load(parts_model, device="cpu")


@pytest.fixture(scope="session")
def predictor_model(make_model: Callable[..., Path]) -> Path:
    """Folder of a tiny monkey_net with a predictor."""
    predictor = "{num_kp: 4, num_features: 8, covariance: false, residual: true, noise: 2}"
    return make_model(f"predictor={predictor}", system="monkey_net")


@pytest.fixture(scope="session")
def tone() -> Callable[[Path, float], Path]:
    """Writes a file with nothing but AAC sound of so many seconds."""

    def write(path: Path, seconds: float) -> Path:
        """A file with nothing but AAC sound."""
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=48000, layout="mono")
            samples = (np.sin(np.arange(round(48000 * seconds)) / 20) * 8000).astype(np.int16)[None]
            for start in range(0, samples.shape[1], 1024):
                part = np.ascontiguousarray(samples[:, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                frame.sample_rate, frame.pts = 48000, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def sound_file(tone: Callable[[Path, float], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of sound."""
    return tone(tmp_path_factory.mktemp("sound") / "tone.m4a", 1.0)


@pytest.fixture
def red_is_a_part(parts_model: Path) -> Any:
    """A tiny co_part whose last layer says part 1 where a pixel is red: the hourglass hands the frame on."""
    pipeline = load(parts_model, device="cpu")
    head = pipeline.model.keypoints.segmentation_head
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    head.weight[1, -3, 3, 3], head.bias[1] = 200, -100
    head.bias[2:] = -1000
    return pipeline
