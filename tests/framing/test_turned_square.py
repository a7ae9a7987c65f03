"""A turned square's coordinates there and back, and the pixels of a copy of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinema.framing.turned_square import TurnedSquare


def test_a_square_turns_and_back():
    square = TurnedSquare((10.0, 20.0), 50.0, math.pi / 2)  # the head points right
    top_and_left = square.to_picture(np.array([[0.5, 0.0], [0.0, 0.5]]))
    np.testing.assert_allclose(top_and_left, [[35, 20], [10, -5]], atol=1e-9)
    np.testing.assert_allclose(square.from_picture(top_and_left), [[0.5, 0], [0, 0.5]], atol=1e-9)


def test_pixels_of_an_upright_square_of_the_same_size_are_those_of_the_picture():
    np.testing.assert_allclose(TurnedSquare((4.0, 3.0), 6.0, 0.0).pixel_map(6), [[1, 0, 1], [0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.0])
def test_pixels_of_a_copy_lie_where_the_square_shows_them(angle: float):
    square = TurnedSquare((30.0, 41.0), 24.0, angle)
    pixels = np.array([[0.0, 0], [7, 0], [3, 5]])
    expected = square.to_picture((pixels + 0.5) / 8) - 0.5
    np.testing.assert_allclose(np.c_[pixels, np.ones(3)] @ square.pixel_map(8).T, expected, atol=1e-9)
