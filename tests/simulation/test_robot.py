"""The arm reaches where it should, and does what its action says."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from kinema.simulation.robot import ACTION_NAMES, robot_clips
from kinema.simulation.robot_scene import FLOOR, HIGH, LOW, REACH_X, REACH_Y, TRAY, Thing, joint_angles, scene_xml

pytestmark = pytest.mark.extra("data", "mujoco")
DIRECTIONS = np.array([(0, 0, 0), (-1, 0, 0), (1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)])


@pytest.mark.parametrize("x", [-REACH_X, 0.1, REACH_X])
@pytest.mark.parametrize("y", [-REACH_Y, REACH_Y])
@pytest.mark.parametrize("z", [FLOOR + LOW, FLOOR + HIGH])
def test_the_angles_bring_the_tip_there(x: float, y: float, z: float) -> None:
    import mujoco  # type: ignore[import-not-found]

    model = mujoco.MjModel.from_xml_string(scene_xml([Thing("box", (0.03, 0.03, 0.03), (1, 0, 0), (0, 0), 0.0)]))
    data = mujoco.MjData(model)
    data.qpos[:4] = joint_angles(np.array((x, y, z)))
    mujoco.mj_forward(model, data)
    assert data.site("tip").xpos == pytest.approx((x, y, z), abs=1e-6)


def test_shapes_and_places() -> None:
    clip = next(robot_clips("train", length=3, size=32, seed=0))
    assert clip.frames.shape == (3, 32, 32, 3) and clip.frames.dtype == np.uint8 and clip.frames.std() > 20
    assert clip.truth.action_names == ACTION_NAMES[:5]
    hand, objects = clip.truth.positions["hand"], clip.truth.positions["objects"]
    assert hand.shape == (3, 3) and objects.shape[0] == 3 and objects.shape[2] == 3
    assert (np.abs(objects[..., :2]) < TRAY).all()


@pytest.mark.parametrize("lift", [False, True])
def test_an_action_moves_the_hand_its_way(lift: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinema.simulation.robot.render", lambda *_, **__: np.zeros((8, 8, 3), dtype=np.uint8))
    clips = list(islice(robot_clips("train", length=40, size=8, seed=1, lift=lift), 8))
    moved = np.concatenate([np.diff(clip.truth.positions["hand"], axis=0) for clip in clips])
    actions = np.concatenate([clip.truth.actions[:-1] for clip in clips])
    assert set(actions) == set(range(7 if lift else 5))
    nearest = np.linalg.norm(moved[:, None] - 0.03 * DIRECTIONS, axis=-1).argmin(axis=1)
    assert (nearest == actions).mean() > 0.85
    pushed = np.concatenate(
        [np.linalg.norm(np.diff(clip.truth.positions["objects"], axis=0), axis=-1).max(axis=1) for clip in clips]
    )
    assert (pushed > 0.004).mean() > 0.1


def test_the_seed_decides() -> None:
    first, again, other, test = (
        next(robot_clips(split, length=2, size=32, seed=seed))
        for split, seed in (("train", 0), ("train", 0), ("train", 1), ("test", 0))
    )
    assert np.array_equal(first.frames, again.frames) and np.array_equal(first.truth.actions, again.truth.actions)
    for clip in (other, test):
        assert not np.array_equal(first.frames, clip.frames)
