"""Keys of a face's poses: read from files, eased in between, and refused in one line where they are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinema.core.checks import InputError
from kinema.faces.face_pose import FacePose, high, low
from kinema.faces.pose_keys import PRESETS, PoseKey, pose_at, read_keys, there_and_back, turned_about

KEYS = (PoseKey(0.0, FacePose()), PoseKey(1.0, FacePose(smile=0.8, yaw=-10)), PoseKey(3.0, FacePose(yaw=10)))


def test_poses_between_keys_are_eased():
    assert pose_at(KEYS, -1) == FacePose() and pose_at(KEYS, 1) == KEYS[1].pose and pose_at(KEYS, 9) == KEYS[2].pose
    assert pose_at(KEYS, 0.5).smile == pytest.approx(0.4) and pose_at(KEYS, 2).yaw == pytest.approx(0)
    # 3 x^2 - 2 x^3 at a quarter.
    assert pose_at(KEYS, 0.25).smile == pytest.approx(0.8 * 0.15625)
    assert pose_at(KEYS, 1e-3).smile < 1e-5 and 0.8 - pose_at(KEYS, 1 - 1e-3).smile < 1e-5


def test_poses_add_up_within_their_range():
    both = FacePose(smile=1, zoom=1.2, yaw=-30).plus(FacePose(smile=1, zoom=1.1, yaw=-30, gaze_x=0.5))
    assert both == FacePose(smile=1.5, zoom=1.2 * 1.1, yaw=-40, gaze_x=0.5)
    widest = FacePose(**{name: high(name) for name in FacePose.model_fields})
    narrowest = FacePose(**{name: low(name) for name in FacePose.model_fields})
    for share in (0.1, 0.3, 0.7, 0.9999999):
        widest.blend(narrowest, share)  # rounding alone must not leave a range
    assert widest.blend(narrowest, 1).model_dump() == pytest.approx(narrowest.model_dump())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '[{"time": 0}, {"time": 1, "smile": 0.8, "yaw": -10}, {"time": 3, "yaw": 10}]'),
        ("a.csv", "time,smile,yaw\n0,,\n1, 0.8 ,-10\n3,,10\n"),
        ("a.CSV", "\ufeffyaw,time,smile\r\n0,0,0\r\n-10,1,0.8\r\n\r\n10,3,0\r\n"),
    ],
)
def test_files_of_keys(name: str, text: str, tmp_path: Path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_keys(tmp_path / name) == KEYS


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{}", "is no list of keys"),
        ("a.json", "[1]", "is no list of keys"),
        ("a.json", "[]", "holds 0 keys"),
        ("a.json", "[{", "is no JSON"),
        ("a.json", '[{"smile": 1}]', "key 1 has no time"),
        ("a.json", '[{"time": "1"}]', "at time '1'; give seconds from 0 to 600"),
        ("a.json", '[{"time": true}]', "at time 'True'"),
        ("a.json", '[{"time": NaN}]', "at time 'nan'"),
        ("a.json", '[{"time": 1e9}]', "seconds from 0 to 600"),
        ("a.json", '[{"time": 0, "grin": 1}]', "key 1: field 'grin' .* known fields: .*smile"),
        ("a.json", '[{"time": 0, "smile": 7}]', "key 1: field 'smile' with value 7 is refused"),
        ("a.json", '[{"time": 0, "smile": NaN}]', "key 1: field 'smile' with value nan is refused"),
        ("a.json", '[{"time": 1}, {"time": 1}]', "key 2 is at 1 s, not after the one before"),
        ("a.csv", "", "does not name the columns"),
        ("a.csv", "smile\n1\n", "does not name the columns"),
        ("a.csv", "time,smile,smile\n0,1,1\n", "does not name the columns"),
        ("a.csv", "time,smile\n0\n", "key 1 has 1 cells"),
        ("a.csv", "time,smile\n0,much\n", "key 1 has 'much' where a number belongs"),
        ("a.csv", "time,smile\n,1\n", "key 1 has no time"),
        ("a.csv", "time,smile\n", "holds 0 keys"),
    ],
)
def test_broken_files_are_refused(name: str, text: str, said: str, tmp_path: Path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as refused:
        read_keys(tmp_path / name)
    assert "\n" not in str(refused.value) and name in str(refused.value)


def test_bytes_and_missing_files_are_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"time\n\xff\xfe")
    with pytest.raises(InputError, match="no text in UTF-8"):
        read_keys(tmp_path / "a.csv")
    for name in ("b.csv", "b.json"):
        with pytest.raises(InputError, match="cannot be read"):
            read_keys(tmp_path / name)


def test_presets_begin_and_end_with_the_photo():
    for name, preset in PRESETS.items():
        assert preset.keys[0] == PoseKey(0.0, FacePose()) and preset.keys[-1].pose == FacePose(), name
        times = [key.time for key in preset.keys]
        assert times == sorted(set(times)), name
        assert preset.still_at is None or pose_at(preset.keys, preset.still_at) != FacePose(), name


def test_a_turntable_loops_through_both_sides():
    round_ = [turned_about(number / 60) for number in range(61)]
    assert turned_about(0) == FacePose() and abs(round_[-1].yaw) < 1e-9
    assert min(pose.yaw for pose in round_) == -20 and max(pose.yaw for pose in round_) == 20
    assert min(pose.pitch for pose in round_) < -7.9 and max(pose.pitch for pose in round_) > 7.9
    assert max(abs(a.yaw - b.yaw) for a, b in zip(round_, round_[1:], strict=False)) < 2.1


def test_there_and_back():
    pose = FacePose(jaw=0.5)
    keys = there_and_back(pose, 2.0)
    assert [pose_at(keys, time) for time in (0, 0.6, 1.0, 1.4, 2.0)] == [FacePose(), pose, pose, pose, FacePose()]
