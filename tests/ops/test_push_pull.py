"""Holes take what is around them; what is known stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kinema.ops.push_pull import fill_holes, fill_image_holes


def test_a_hole_in_an_even_wall_vanishes():
    frames = torch.full((1, 3, 21, 13), 0.25)
    broken, known = frames.clone(), torch.ones(1, 1, 21, 13)
    broken[..., 5:15, 3:9], known[..., 5:15, 3:9] = 1.0, 0.0
    assert torch.allclose(fill_holes(broken, known), frames, atol=1e-6)


def test_a_hole_in_a_slope_stays_between_its_ends():
    slope = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    known = torch.ones(1, 1, 32, 32)
    known[..., 8:24, 8:24] = 0
    filled = fill_holes(slope * known, known)
    assert (filled - slope).abs().max() < 0.2
    assert (filled - slope)[known == 1].abs().max() == 0


@given(st.integers(1, 17), st.integers(1, 17), st.integers(0, 9))
def test_any_size_and_any_hole_is_finite_and_within_what_is_known(height: int, width: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    frames = torch.rand(2, 3, height, width, generator=generator)
    known = (torch.rand(2, 1, height, width, generator=generator) > 0.7).float()
    filled = fill_holes(frames, known)
    assert filled.shape == frames.shape and filled.isfinite().all()
    assert filled.min() >= -1e-6 and filled.max() <= frames.max() + 1e-6
    assert torch.equal(torch.where(known > 0, filled, 0), torch.where(known > 0, frames, 0))


def test_where_nothing_is_known_there_is_nothing():
    assert not fill_holes(torch.ones(1, 3, 6, 5), torch.zeros(1, 1, 6, 5)).any()


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_half_known_is_a_blend(share: float):
    frames, known = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    frames[..., 4, 4], known[..., 4, 4] = 1.0, share
    assert fill_holes(frames, known)[..., 4, 4].item() == pytest.approx(share, abs=0.15)


def test_a_picture_is_filled_as_a_batch_of_one_is():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (9, 13, 3), dtype=np.uint8)
    known = (rng.random((9, 13)) > 0.5).astype(np.float64)
    filled = fill_image_holes(image, known)
    assert filled.dtype == np.float32 and filled.shape == image.shape and filled.flags.c_contiguous
    np.testing.assert_array_equal(filled[known == 1], image[known == 1])
    frames = torch.from_numpy(image).float().permute(2, 0, 1)[None]
    batch = fill_holes(frames, torch.from_numpy(known).float()[None, None])
    np.testing.assert_array_equal(filled, batch[0].permute(1, 2, 0).numpy())
