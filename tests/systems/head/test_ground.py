"""A person before a ground: the photo comes back exactly, and nothing of a dark person stays on a bright ground."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.systems.head.ground import Ground, refine_alpha

pytestmark = pytest.mark.extra("head", "cv2")


@pytest.fixture
def photo() -> np.ndarray:
    """A dark disc with a soft edge and texture on a bright ground."""
    y, x = np.mgrid[:96, :120].astype(np.float64)
    share = np.clip((30 - np.hypot(x - 60, y - 48)) / 4, 0, 1)[..., None]
    ground = np.stack([200 + x / 4, 180 + y / 4, 220 - x / 5], axis=-1)
    person = np.random.default_rng(0).integers(20, 120, (96, 120, 3))
    return np.rint(share * person + (1 - share) * ground).astype(np.uint8)


@pytest.fixture
def rough() -> np.ndarray:
    """A matte that is too small and blurred."""
    y, x = np.mgrid[:96, :120].astype(np.float64)
    return np.clip((27 - np.hypot(x - 60, y - 48)) / 12 + 0.5, 0, 1).astype(np.float32)


def test_at_rest_the_photo_comes_back_to_the_bit(photo: np.ndarray, rough: np.ndarray):
    ground = Ground(photo, rough, length=60)
    assert np.array_equal(ground.under(ground.person, 0, 0), photo)
    part = np.ascontiguousarray(ground.person[10:50, 30:90])
    assert np.array_equal(ground.under(part, 30, 10), photo[10:50, 30:90])
    alpha = ground.person[..., 3]
    assert alpha[48, 60] == 255 and alpha[0, 0] == 0


def test_without_the_person_the_ground_is_whole(photo: np.ndarray, rough: np.ndarray):
    ground = Ground(photo, rough, length=60)
    alone = ground.under(np.zeros_like(ground.person), 0, 0).astype(int)
    outside = ground.person[..., 3] == 0
    assert np.array_equal(alone[outside], photo[outside].astype(int))
    assert alone[48, 60].min() > 150, "what is behind the person is continued from around"


def test_random_mattes_never_break_the_photo():
    generator = np.random.default_rng(1)
    for _ in range(10):
        photo = generator.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        alpha = generator.random((24, 32)).astype(np.float32)
        ground = Ground(photo, alpha, length=20)
        assert np.array_equal(ground.under(ground.person, 0, 0), photo)


def test_no_rim_of_the_old_ground_is_cut_out_with_the_person():
    y, x = np.mgrid[:160, :160]
    away = np.hypot(x - 80, y - 80)
    photo = np.full((160, 160, 3), 245, np.uint8)
    photo[away < 50] = (120, 80, 60)
    ground = Ground(photo, (away < 53).astype(np.float32), length=150)
    black = np.zeros_like(photo)
    rim = (away > 51) & (away < 56)
    before, after = (ground.under(person, 0, 0, other=black)[rim].mean() for person in (ground.person, ground.cut_out))
    assert after < 0.2 * before and before > 20, (before, after)
    inner = away < 45
    assert np.array_equal(ground.cut_out[inner], ground.person[inner])


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
