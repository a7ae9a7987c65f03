"""Gaps, jitter, and another person's size and place."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.people.skeleton import INDEX, JOINTS
from kinema.people.track import complete_from, fill_gaps, fit_to_person, smooth_joints

from .poses import any_joints, standing

KNEE = INDEX["left_knee"]


def walking(frames: int, *, step: float = 2.0) -> Joints:
    rows = [standing(shift=(step * index, 0)) for index in range(frames)]
    return Joints(torch.cat([row.value for row in rows]), torch.cat([row.present for row in rows]))


def without(track: Joints, joint: int, frames: list[int]) -> Joints:
    present, value = track.present.clone(), track.value.clone()
    present[frames, joint] = False
    value[frames, joint] = torch.nan
    return Joints(value, present)


def test_short_gaps_are_filled_on_the_line():
    track = walking(8)
    filled = fill_gaps(without(track, KNEE, [2, 3, 6]), longest=2)
    assert filled.present.all() and torch.allclose(filled.value, track.value, atol=1e-5)


def test_long_gaps_and_open_ends_stay_missing():
    broken = without(walking(9), KNEE, [0, 3, 4, 5, 8])
    filled = fill_gaps(broken, longest=2)
    assert filled.present[:, KNEE].tolist() == [False, True, True, False, False, False, True, True, False]
    assert filled.present[:, 0].all()


def test_smoothing_leaves_straight_motion_and_takes_jitter():
    track = walking(40)
    middle = smooth_joints(track, 2.0).value[8:-8]
    assert torch.allclose(middle, track.value[8:-8], atol=1e-3)
    noise = torch.randn(track.value.shape, generator=torch.Generator().manual_seed(0))
    shaky = Joints(track.value + noise, track.present)
    left = (smooth_joints(shaky, 2.0).value - track.value)[8:-8].std()
    assert left < 0.5 * noise.std()
    assert smooth_joints(shaky, 0) is shaky


def test_a_missing_joint_neither_appears_nor_pulls():
    broken = without(walking(10, step=0), KNEE, [4])
    smooth = smooth_joints(broken, 1.0)
    assert not smooth.present[4, KNEE]
    assert torch.allclose(smooth.value[3, KNEE], broken.value[3, KNEE])


def test_a_clip_of_a_giant_elsewhere_comes_to_the_persons_size_and_feet():
    person, clip = standing(), walking(5)
    giant = Joints(3 * clip.value + torch.tensor([100.0, -40.0]), clip.present)
    fitted = fit_to_person(person, giant)
    assert torch.allclose(fitted.value, clip.value, atol=1e-4)


def test_without_feet_the_hips_come_together():
    person = standing()
    clip = standing("left_ankle", "right_ankle", shift=(7, 5))
    assert torch.allclose(fit_to_person(person, clip).value, person.value, atol=1e-4)


def test_half_a_person_is_placed_by_its_shoulders():
    legless = tuple(name for name in JOINTS if any(part in name for part in ("hip", "knee", "ankle")))
    fitted = fit_to_person(standing(*legless), Joints(2 * walking(2).value, walking(2).present))
    assert torch.allclose(fitted.value[0], standing().value[0], atol=1e-4)


def test_what_no_pose_shows_stays_as_it_is_and_goes_along():
    person = standing()
    clip = without(walking(3), KNEE, [0, 1, 2])
    whole = complete_from(person, clip)
    assert whole.present.all()
    assert torch.allclose(whole.value, walking(3).value, atol=1e-4)
    # One frame that shows it is enough for the clip to decide.
    some = without(walking(3), KNEE, [0, 2])
    assert complete_from(person, some).present[:, KNEE].tolist() == [False, True, False]
    # What the person lacks cannot be completed.
    assert not complete_from(standing("left_knee"), clip).present[:, KNEE].any()


def test_nothing_in_common_is_one_line():
    nobody = Joints(torch.zeros(2, len(JOINTS), 2), torch.zeros(2, len(JOINTS), dtype=torch.bool))
    with pytest.raises(InputError, match="no frame shows two joints"):
        fit_to_person(standing(), nobody)
    with pytest.raises(InputError, match="share no arm, leg, shoulders or neck"):
        fit_to_person(standing(*(name for name in JOINTS if "eye" not in name)), walking(2))


def test_without_a_limb_in_common_shoulders_and_neck_decide():
    bust = ("nose", "neck", "right_shoulder", "left_shoulder", "right_elbow")
    other = ("nose", "neck", "right_shoulder", "left_shoulder", "left_elbow")
    person = standing(*(name for name in JOINTS if name not in bust))
    clip = standing(*(name for name in JOINTS if name not in other))
    fitted = fit_to_person(person, Joints(3 * clip.value, clip.present))
    assert torch.allclose(fitted.value, person.value, atol=1e-4)


@given(st.lists(any_joints(), min_size=1, max_size=6), st.integers(0, 3), st.floats(0, 3))
def test_whatever_a_detector_gives_what_is_present_is_finite(rows: list[Joints], longest: int, sigma: float):
    track = Joints(torch.cat([row.value for row in rows]), torch.cat([row.present for row in rows]))
    smooth = smooth_joints(fill_gaps(track, longest), sigma)
    assert smooth.value[smooth.present].isfinite().all()
    assert (smooth.present >= track.present).all()
