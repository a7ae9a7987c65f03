"""Real clips made with FFmpeg and Pillow, so that tests read what other programs write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest


def moving_square(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Smooth frames with a square that moves 3 pixels a frame; flat enough for lossy codecs to keep close."""
    frames = []
    for index in range(count):
        image = np.full((height, width, 3), 90, np.uint8)
        image[..., 2] = np.linspace(60, 180, width).astype(np.uint8)
        left = 3 * index % max(1, width - 16)
        image[height // 4 : height // 4 + 16, left : left + 16] = 220
        frames.append(image)
    return frames


@pytest.fixture
def square_frames() -> Callable[..., list[np.ndarray]]:
    return moving_square


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """Writes a clip with PyAV directly, without our writer."""

    def make(
        name: str,
        images: Sequence[np.ndarray],
        *,
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        rate: Fraction = Fraction(25),
        ticks: Sequence[int] | None = None,
        time_base: Fraction | None = None,
        options: dict[str, str] | None = None,
        prepare: Callable[[av.VideoStream], None] | None = None,
        image_format: str = "rgb24",
        container_format: str | None = None,
        metadata: dict[str, str] | None = None,
        **reformat: object,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", format=container_format) as container:
            container.metadata.update(metadata or {})
            timed = {} if time_base is None else {"time_base": time_base}
            stream = container.add_stream(codec, rate=rate, options=options, **timed)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt = pix_fmt
            if prepare is not None:
                prepare(stream)
            for index, image in enumerate(images):
                frame = av.VideoFrame.from_ndarray(image, image_format).reformat(format=pix_fmt, **reformat)
                if ticks is not None:
                    frame.pts, frame.time_base = ticks[index], time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def make_sound(tmp_path: Path) -> Callable[..., Path]:
    """Writes a tone with PyAV, alone or beside black frames of the same length."""

    def make(
        name: str,
        codec: str,
        *,
        seconds: float = 1.0,
        with_video: bool = False,
        rate: int = 48000,
        layout: str = "stereo",
        pitches: Sequence[int] = (440,),
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            sound = container.add_stream(codec, rate=rate, layout=layout)
            if with_video:
                video = container.add_stream("libx264", rate=25)
                video.height = video.width = 32
                video.pix_fmt = "yuv420p"
                for _ in range(round(25 * seconds)):
                    black = np.zeros((32, 32, 3), np.uint8)
                    container.mux(video.encode(av.VideoFrame.from_ndarray(black, "rgb24").reformat(format="yuv420p")))
                container.mux(video.encode(None))
            count = round(rate * seconds)
            pitch = np.array(pitches)[np.arange(count) * len(pitches) // count]  # one after the other, equally long
            tone = (np.sin(np.arange(count) * 2 * np.pi * pitch / rate) * 8000).astype(np.int16)
            channels = 1 if layout == "mono" else 2
            for start in range(0, count, 1024):
                part = np.repeat(tone[start : start + 1024], channels)[None]  # (1, samples * channels), packed
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="s16", layout=layout)
                frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
        return path

    return make
