"""Lines lie between the joints that are there."""

import numpy as np

from kinema.people.overlay import draw_skeleton
from kinema.people.skeleton import INDEX


def test_a_bone_is_drawn_where_both_its_ends_are_there():
    image = np.full((60, 60, 3), 40, dtype=np.uint8)
    points, present = np.zeros((18, 2)), np.zeros(18, dtype=bool)
    assert (draw_skeleton(image, points, present) == image).all()
    for name, place in (("right_knee", (10, 20)), ("right_ankle", (10, 50)), ("left_knee", (50, 20))):
        points[INDEX[name]], present[INDEX[name]] = place, True
    drawn = draw_skeleton(image, points, present)
    changed = (drawn != image).any(axis=2)
    assert changed[35, 10] and changed[20, 50] and not changed[35, 30:].any()
    assert (image == 40).all(), "the picture that was given is left as it is"
