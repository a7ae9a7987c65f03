"""Photos that are larger than a video are reduced with their landmarks; smaller ones stay to the bit."""

from __future__ import annotations

import numpy as np
import torch

from kinema.faces.reduced_photo import photo_at_most

VIDEO_SIDE = 1280


def test_a_large_photo_and_its_landmarks_are_reduced_alike():
    photo = np.zeros((1920, 2 * VIDEO_SIDE, 3), dtype=np.uint8)
    photo[400:440, 1000:1040] = 255
    small, points = photo_at_most(VIDEO_SIDE, photo, torch.tensor([[1019.5, 419.5]]))
    assert small.shape == (960, VIDEO_SIDE, 3)
    rows, columns = np.nonzero(small[..., 0] > 127)
    np.testing.assert_allclose(points[0], [columns.mean(), rows.mean()], atol=0.1)


def test_a_photo_that_fits_stays_as_it_is():
    photo, landmarks = np.zeros((720, VIDEO_SIDE, 3), dtype=np.uint8), torch.zeros(68, 2)
    same = photo_at_most(VIDEO_SIDE, photo, landmarks)
    assert same[0] is photo and same[1] is landmarks
