"""Keypoint distance in pixels against known answers."""

import pytest
import torch

from kinema.core.checks import InputError
from kinema.metrics.keypoints import keypoint_distance


def test_distance_is_in_pixels_of_each_axis_and_a_mean_over_points():
    points = torch.zeros(1, 2, 2)
    moved = points.clone()
    moved[0, 0, 0] = 2 / 63  # one pixel to the right in a frame 64 wide
    moved[0, 1, 1] = 6 / 31  # three pixels down in a frame 32 high
    torch.testing.assert_close(keypoint_distance(points, moved, size=(32, 64)), torch.tensor([2.0]))


def test_equal_points_are_zero_apart_and_order_does_not_matter():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(2, 3, 5, 2, generator=generator) * 2 - 1
    assert keypoint_distance(a, a, size=(64, 64)).eq(0).all()
    torch.testing.assert_close(keypoint_distance(a, b, size=(64, 48)), keypoint_distance(b, a, size=(64, 48)))


def test_sets_that_differ_in_number_are_refused():
    with pytest.raises(InputError, match="same shape"):
        keypoint_distance(torch.zeros(1, 5, 2), torch.zeros(1, 4, 2), size=(8, 8))
