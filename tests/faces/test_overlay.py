"""A face is drawn where its points are, visible on dark and on bright."""

import numpy as np
import pytest

from kinema.faces.landmarks import MEAN_FACE
from kinema.faces.overlay import draw_face


@pytest.mark.parametrize("size", [60, 900])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_lines_and_dots_are_on_the_points(size: int, level: int):
    image = np.full((size, size, 3), level, dtype=np.uint8)
    points = (np.array(MEAN_FACE) * 0.4 + [0.5, 0.3]) * size
    drawn = draw_face(image, points)
    changed = np.abs(drawn.astype(int) - level).max(axis=2) > 40
    x, y = points.round().astype(int).T
    assert changed[y, x].all() or level == 255
    assert np.abs(drawn.astype(int) - level).max() > 120
    between = ((points[7] + points[8]) / 2).round().astype(int)
    assert changed[between[1], between[0]]
    assert not changed[: size // 20].any() and changed.mean() < 0.4
    assert (image == level).all(), "the picture that was given is left as it is"


def test_a_face_outside_or_nowhere_changes_nothing():
    image = np.full((40, 50, 3), 9, dtype=np.uint8)
    points = np.array(MEAN_FACE) * 20
    for moved in (points + 500, points - 500, points * np.nan):
        np.testing.assert_array_equal(draw_face(image, moved), image)
    assert (draw_face(image, points + [50, 20]) != image).any(), "half of it is inside"
