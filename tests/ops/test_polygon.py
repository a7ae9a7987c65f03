"""Which pixels a polygon covers."""

from __future__ import annotations

import math

import torch

from kinema.ops.polygon import inside_polygon


def covered(*corners: tuple[float, float], size: tuple[int, int] = (5, 6)) -> list[tuple[int, int]]:
    """(x, y) of the pixels covered."""
    mask = inside_polygon(torch.tensor(corners, dtype=torch.float64), size)
    return [(x, y) for y, x in mask.nonzero().tolist()]


def test_edges_and_corners_belong_to_it():
    expected = [(x, y) for y in (1, 2, 3) for x in (1, 2, 3, 4)]
    assert covered((1, 1), (4, 1), (4, 3), (1, 3)) == expected
    assert covered((4, 1), (1, 1), (1, 3), (4, 3)) == expected  # the other way round


def test_what_lies_between_pixels_covers_none():
    assert covered((1.2, 1.2), (1.8, 1.2), (1.8, 1.8), (1.2, 1.8)) == []


def test_of_a_line_only_the_ends_are_covered():
    assert covered((0, 0), (3, 3), (3, 3), (0, 0)) == [(0, 0), (3, 3)]
    assert covered((2, 2), (2, 2), (2, 2)) == [(2, 2)]


def test_it_may_cross_itself():
    assert (3, 0) not in covered((0, 0), (4, 4), (4, 0), (0, 4))
    assert {(1, 2), (3, 2)} <= set(covered((0, 0), (4, 4), (4, 0), (0, 4)))


def test_no_number_covers_nothing():
    assert covered((0, 0), (5, 0), (math.nan, 5), (0, 5)) == []


def test_several_at_once():
    corners = torch.tensor([[[0.0, 0], [2, 0], [0, 2]], [[5, 4], [3, 4], [5, 2]]])
    both = inside_polygon(corners, (5, 6))
    assert both.shape == (2, 5, 6)
    assert torch.equal(both[1], both[0].flip((0, 1)))
