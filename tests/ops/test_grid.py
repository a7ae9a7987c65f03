"""Where the points of a grid lie."""

import torch

from kinema.ops.grid import identity_grid


def test_corners_are_the_centres_of_corner_pixels():
    grid = identity_grid((5, 9))
    assert grid.shape == (5, 9, 2)
    assert grid[0, 0].tolist() == [-1, -1] and grid[0, -1].tolist() == [1, -1]
    assert grid[-1, 0].tolist() == [-1, 1] and grid[-1, -1].tolist() == [1, 1]
    assert grid[2, 4].tolist() == [0, 0]


def test_steps_are_even_and_x_comes_first():
    grid = identity_grid((3, 6), dtype=torch.float64)
    assert grid.dtype == torch.float64
    torch.testing.assert_close(grid[:, :, 0].diff(dim=1), torch.full((3, 5), 0.4, dtype=torch.float64))
    torch.testing.assert_close(grid[:, :, 1].diff(dim=0), torch.ones(2, 6, dtype=torch.float64))
