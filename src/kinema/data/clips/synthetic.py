"""Generates small clips of textured shapes that move, rotate and grow over a textured background."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kinema.core.random import numpy_generator

NUM_SHAPES = 2
NUM_WAVES = 4

# Coordinates x and y (H, W) to colours (H, W, 3).
Texture = Callable[[np.ndarray, np.ndarray], np.ndarray]
# Draws into a frame (H, W, 3) over coordinates x and y at a phase in [0, 1) of a closed path, with a soft edge.
Painter = Callable[[np.ndarray, np.ndarray, np.ndarray, float, float], None]


def moving_shapes(num_clips: int, num_frames: int, size: int | tuple[int, int], seed: int) -> np.ndarray:
    """Clips with a known affine motion for each shape, for learning tests and examples.

    Args:
        num_clips: N; clip n depends on ``seed`` and n only, not on N.
        num_frames: T; the paths are closed, so frame T would equal frame 0.
        size: height and width in pixels, or one number for both.
        seed: any whole number.

    Returns:
        (N, T, H, W, 3) uint8 RGB.

    >>> moving_shapes(num_clips=2, num_frames=3, size=(8, 16), seed=0).shape
    (2, 3, 8, 16, 3)
    """
    height, width = (size, size) if isinstance(size, int) else size
    clips = np.empty((num_clips, num_frames, height, width, 3), dtype=np.uint8)
    for n in range(num_clips):
        _draw_clip(clips[n], numpy_generator("moving_shapes", seed, n))
    return clips


def _draw_clip(frames: np.ndarray, rng: np.random.Generator) -> None:
    num_frames, height, width = frames.shape[:3]
    # (x, y) in [-1, 1], corner pixel centres at -1 and 1.
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    background = _texture(rng, contrast=0.25)(x, y)
    shapes = [_moving_shape(rng) for _ in range(NUM_SHAPES)]
    softness = 3.0 / max(height, width)
    for t in range(num_frames):
        frame = background.copy()
        for paint in shapes:
            paint(frame, x, y, t / num_frames, softness)
        frames[t] = np.round(np.clip(frame, 0, 1) * 255)


def _moving_shape(rng: np.random.Generator) -> Painter:
    texture = _texture(rng, contrast=0.5)
    start = rng.uniform(-0.4, 0.4, 2)
    reach = rng.uniform(0.15, 0.4, 2)
    phases = rng.uniform(0, 2 * np.pi, 4)
    turn, growth = rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.25)
    radii = rng.uniform(0.2, 0.4, 2)
    power = rng.choice([2.0, 6.0])  # 2 is an ellipse, 6 nearly a rectangle

    def paint(frame: np.ndarray, x: np.ndarray, y: np.ndarray, phase: float, softness: float) -> None:
        wave = np.sin(2 * np.pi * phase + phases)
        centre, angle, scale = start + reach * wave[:2], turn * wave[2], 1 + growth * wave[3]
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        u = cos * (x - centre[0]) + sin * (y - centre[1])
        v = -sin * (x - centre[0]) + cos * (y - centre[1])
        distance = (np.abs(u / radii[0]) ** power + np.abs(v / radii[1]) ** power) ** (1 / power)
        # With a hard edge, motion by less than a pixel would not be visible.
        cover = np.clip((1 - distance) * radii.min() * scale / softness + 0.5, 0, 1)[..., None]
        frame *= 1 - cover
        frame += cover * texture(u, v)

    return paint


def _texture(rng: np.random.Generator, contrast: float) -> Texture:
    base = rng.uniform(0.25, 0.75, 3)
    directions = rng.normal(0, 6, (NUM_WAVES, 2))
    offsets = rng.uniform(0, 2 * np.pi, NUM_WAVES)
    colours = rng.uniform(-1, 1, (NUM_WAVES, 3)) * contrast / NUM_WAVES**0.5

    def colour(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        waves = np.sin(directions[:, 0] * x[..., None] + directions[:, 1] * y[..., None] + offsets)  # (H, W, N)
        return base + waves @ colours

    return colour
