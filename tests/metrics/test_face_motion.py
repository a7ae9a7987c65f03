"""Openings and trembling of faces whose points are known."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.faces.landmarks import MEAN_FACE, MOUTH
from kinema.metrics.face_motion import correlation, eye_distance, lid_opening, mouth_opening, trembling

FACE = 60 * np.array(MEAN_FACE) + [100, 80]


def test_openings_do_not_change_with_place_size_and_turn():
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    moved = 2.5 * FACE @ turn.T - 30
    assert eye_distance(moved) == pytest.approx(2.5 * 60)
    for opening in (mouth_opening, lid_opening):
        assert opening(moved) == pytest.approx(opening(FACE))


def test_a_mouth_is_open_by_the_gap_of_its_inner_lips():
    open_mouth = FACE.copy()
    open_mouth[66, 1] += 6
    # From the bridge of the nose to the chin there are 1.31 eye distances.
    assert mouth_opening(open_mouth) - mouth_opening(FACE) == pytest.approx(6 / (1.31 * 60))
    assert lid_opening(open_mouth) == lid_opening(FACE)


def test_lids_that_meet_are_shut():
    shut = FACE.copy()
    for above, below in ((37, 41), (38, 40), (43, 47), (44, 46)):
        shut[above] = shut[below]
    assert lid_opening(shut) == 0 and lid_opening(FACE) > 0.25


def test_steady_motion_does_not_tremble():
    steady = FACE + np.arange(5.0)[:, None, None]
    assert trembling(steady) == pytest.approx(np.zeros(3))
    steady[2] += [0.6, 0]  # 1 % of the eye distance: the second difference is 1, 2 and 1 times that
    assert trembling(steady) == pytest.approx([1, 2, 1])
    assert trembling(steady[:2]).shape == (0,)


def test_frames_without_a_face_are_left_out():
    course = np.stack([FACE] * 6)
    course[1, MOUTH[0] :] += 1
    course[4] = np.nan
    assert np.isnan(trembling(course)).tolist() == [False, False, True, True]
    assert np.isnan(mouth_opening(course)).tolist() == [False] * 4 + [True, False]
    assert trembling(np.full((4, 68, 2), np.nan)).shape == (0,)


def test_correlation_needs_two_courses_that_change():
    course = np.array([0.1, 0.2, np.nan, 0.4, 0.2])
    assert correlation(1 - 2 * course, course) == pytest.approx(-1)
    assert np.isnan(correlation(np.full(5, 0.2), course)) and np.isnan(correlation(course[:3], course[:3]))
