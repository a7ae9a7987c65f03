"""A picture as a sheet: still it is the picture, shifted it is shifted, and only what moves is computed."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.synthesis.sheet_warp import SheetWarp

pytestmark = pytest.mark.extra("head", "cv2")
PAD = 8


def grid(width: int, height: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (V, 2) over a padded picture and triangles (T, 3) between them."""
    columns, rows = np.arange(0, width + 2 * PAD + 1, step), np.arange(0, height + 2 * PAD + 1, step)
    points = np.stack(np.meshgrid(columns, rows, indexing="xy"), axis=-1).reshape(-1, 2) - 0.5
    number = np.arange(len(rows) * len(columns)).reshape(len(rows), len(columns))
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]))
    return points, np.concatenate([np.stack([a, b, c], axis=1), np.stack([b, d, c], axis=1)])


@pytest.fixture(params=[64, 256])
def warp(request: pytest.FixtureRequest) -> tuple[SheetWarp, np.ndarray]:
    points, triangles = grid(128, 96, 8)
    centres = points[triangles].mean(axis=1) - PAD
    on_face = (np.abs(centres - [64, 48]) < 20).all(axis=1)
    made = SheetWarp(points, triangles[~on_face], triangles[on_face], size=(96, 128), pad=PAD, map_px=request.param)
    return made, points


@pytest.fixture
def image() -> np.ndarray:
    """Smooth, four channels, of the padded size."""
    y, x = np.mgrid[: 96 + 2 * PAD, : 128 + 2 * PAD]
    return np.stack([x, y * 2, x + y, 255 - x], axis=-1).astype(np.uint8)


def inner(image: np.ndarray) -> np.ndarray:
    return image[PAD:-PAD, PAD:-PAD]


def whole(warp: SheetWarp, image: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """All of the result, as whoever draws it puts it together."""
    part, (x0, y0, x1, y1) = warp.sample(warp.map_to(moved, np.zeros(len(moved))), image)
    assert part.shape == (y1 - y0, x1 - x0, 4)
    result = inner(image).copy()
    result[y0:y1, x0:x1] = part
    return result


def test_what_does_not_move_is_the_picture(warp: tuple[SheetWarp, np.ndarray], image: np.ndarray):
    made, points = warp
    part, place = made.sample(made.map_to(points, np.zeros(len(points))), image)
    assert part.size <= 4 * 4, "nothing is computed where nothing moves"
    assert np.array_equal(whole(made, image, points), inner(image)), place


def test_a_shift_shifts(warp: tuple[SheetWarp, np.ndarray], image: np.ndarray):
    made, points = warp
    result = whole(made, image, points + [3, -2])
    expected = np.roll(image, (-2, 3), axis=(0, 1))
    assert np.abs(inner(result).astype(int) - inner(inner(expected))).max() <= 1


def test_only_the_part_that_moves_is_computed(warp: tuple[SheetWarp, np.ndarray], image: np.ndarray):
    made, points = warp
    near = np.hypot(*(points - PAD - [64, 48]).T)
    moved = points + np.clip(1 - near / 30, 0, 1)[:, None] * [4, 0]
    _, (x0, y0, x1, y1) = made.sample(made.map_to(moved, np.zeros(len(moved))), image)
    assert 20 <= x0 <= 40 and 88 <= x1 <= 108 and 5 <= y0 <= 24 and 72 <= y1 <= 91
    result = whole(made, image, moved)
    assert abs(int(result[48, 64, 0]) - (int(image[48 + PAD, 64 + PAD, 0]) - 4)) <= 1
    far = np.hypot(*(np.mgrid[:96, :128][::-1] - np.array([64, 48])[:, None, None])) > 42
    assert np.array_equal(result[far], inner(image)[far])
