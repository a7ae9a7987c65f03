"""Random motion of faces: begins at rest, is smooth, within its ranges, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.simulation.face_motion import KINDS, FaceMotion, random_face_motion

RATE = 25.0


def track(motion: FaceMotion, name: str) -> np.ndarray:
    return np.array([getattr(pose, name) for pose in motion.poses])


@pytest.fixture(scope="module")
def motions() -> list[FaceMotion]:
    return [random_face_motion(np.random.default_rng(seed), 100, RATE) for seed in range(40)]


def test_the_same_seed_gives_the_same_motion(motions: list[FaceMotion]) -> None:
    again = random_face_motion(np.random.default_rng(7), 100, RATE)
    assert again.poses == motions[7].poses and np.array_equal(again.shifts, motions[7].shifts)
    assert again.poses != motions[8].poses
    assert {motion.kind for motion in motions} == set(KINDS)


def test_heads_move_smoothly_from_rest(motions: list[FaceMotion]) -> None:
    for motion in motions:
        limit = 20 if motion.kind == "turn" else 9
        yaw = track(motion, "yaw")
        assert yaw[0] == 0 and 0 < np.abs(yaw).max() < limit
        # At 0.8 Hz and the full limit a head turns by 4 degrees a frame.
        assert np.abs(np.diff(yaw)).max() < 4
        assert np.abs(np.diff(yaw, n=2)).max() < 0.5


def test_blinks_are_of_four_frames_and_come_late(motions: list[FaceMotion]) -> None:
    lengths = []
    for motion in motions:
        # Lids that follow the gaze down stay under 0.12.
        shut = track(motion, "blink_left") > 0.2
        assert not shut[:2].any() and np.array_equal(track(motion, "blink_left"), track(motion, "blink_right"))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], shut.astype(int), [0]])))
        lengths += [end - begin for begin, end in edges.reshape(-1, 2) if end < len(shut)]
    assert len(lengths) > 40 and np.median(lengths) in (3, 4) and max(lengths) <= 5


def test_who_talks_opens_the_mouth_several_times(motions: list[FaceMotion]) -> None:
    for motion in motions:
        jaw = track(motion, "jaw")
        peaks = ((jaw[1:-1] > jaw[:-2]) & (jaw[1:-1] >= jaw[2:]) & (jaw[1:-1] > 0.21)).sum()
        assert jaw[0] == 0 and (peaks >= 4) == (motion.kind == "talk"), (motion.kind, peaks)


def test_eyes_jump_and_rest(motions: list[FaceMotion]) -> None:
    steps = np.concatenate([np.abs(np.diff(track(motion, "gaze_x"))) for motion in motions])
    assert (steps == 0).mean() > 0.8 and steps.max() > 0.3
