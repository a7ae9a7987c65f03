"""A made picture of a window laid over a picture, wherever the window is."""

from __future__ import annotations

import numpy as np
import torch

from kinema.people.paste import paste, place
from kinema.people.window import PersonWindow

PICTURE = np.full((20, 30, 3), 50, dtype=np.uint8)
MADE = np.full((8, 4, 3), 200, dtype=np.uint8)


def test_full_share_is_the_made_picture_and_outside_nothing_changes():
    made = paste(PersonWindow((5, 2, 10, 16)), PICTURE, MADE, torch.ones(1, 1, 8, 4))
    assert (made[2:18, 5:15] == 200).all()
    made[2:18, 5:15] = 50
    assert np.array_equal(made, PICTURE)


def test_no_share_and_windows_elsewhere_leave_a_copy():
    for window, share in (((5, 2, 10, 16), 0.0), ((100, 2, 4, 8), 1.0), ((5, -9, 4, 8), 1.0)):
        made = paste(PersonWindow(window), PICTURE, MADE, torch.full((1, 1, 8, 4), share))
        assert np.array_equal(made, PICTURE) and made is not PICTURE


def test_a_window_over_the_edge_keeps_its_inner_part():
    made = np.zeros((4, 4, 3), dtype=np.uint8)
    made[:, 2:] = 255
    laid = paste(PersonWindow((-2, 18, 4, 4)), PICTURE, made, torch.ones(1, 1, 4, 4))
    assert (laid[18:, :2] == 255).all() and (laid[:18] == 50).all() and (laid[18:, 2:] == 50).all()


def test_a_map_of_the_window_is_placed_in_the_whole():
    whole = place(PersonWindow((28, -1, 4, 4)), torch.ones(1, 1, 2, 2), (20, 30))
    assert whole.shape == (1, 1, 20, 30) and whole.sum() == 2 * 3 and whole[0, 0, 0, 29] == 1
