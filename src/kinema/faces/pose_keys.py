"""Moments at which a face shows something -> what it shows in between, eased; keys come from files or from presets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinema.core.checks import InputError
from kinema.core.json_file import read_json
from kinema.faces.face_pose import FacePose

MAX_KEYS, MAX_SECONDS = 10_000, 600.0
_CSV_BYTES = 2**24
_EXPECTED = 'give a list such as [{"time": 0}, {"time": 1.5, "smile": 0.8, "yaw": -10}]'
_HEADER = "give a first line such as time,smile,yaw and a line of numbers for each key"


@dataclass(frozen=True)
class PoseKey:
    """A moment.

    Attributes:
        time: in seconds.
        pose: that the face has then.
    """

    time: float
    pose: FacePose


@dataclass(frozen=True)
class Preset:
    """A ready-made movement.

    Attributes:
        keys: of it; it begins and ends with the photo itself.
        still_at: seconds at which a single picture shows it; None where none does.
    """

    keys: tuple[PoseKey, ...]
    still_at: float | None = None


def pose_at(keys: Sequence[PoseKey], time: float) -> FacePose:
    """The pose at a moment: between two keys it goes from one to the other by 3 x^2 - 2 x^3, outside it stands.

    Args:
        keys: at least one, their times increasing.
        time: in seconds.
    """
    if time <= keys[0].time:
        return keys[0].pose
    for before, after in zip(keys, keys[1:], strict=False):
        if time < after.time:
            share = (time - before.time) / (after.time - before.time)
            return before.pose.blend(after.pose, share * share * (3 - 2 * share))
    return keys[-1].pose


def read_keys(path: Path) -> tuple[PoseKey, ...]:
    """The keys of a file; each is a whole pose, sliders that it does not name are at rest.

    Args:
        path: .csv, with a header ``time,SLIDER,...`` and empty cells for sliders at rest; or JSON, a list of mappings
            with "time" and sliders.

    Raises:
        InputError: the file cannot be read, names something unknown, or holds times that do not increase.
    """
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path)
    if not 1 <= len(rows) <= MAX_KEYS:
        raise InputError(f"{path}: holds {len(rows)} keys; give 1 to {MAX_KEYS}")
    keys: list[PoseKey] = []
    for number, row in enumerate(rows, start=1):
        key = _key(row, f"{path}: key {number}")
        if keys and key.time <= keys[-1].time:
            raise InputError(
                f"{path}: key {number} is at {key.time:g} s, not after the one before at {keys[-1].time:g} s; "
                "give increasing times"
            )
        keys.append(key)
    return tuple(keys)


def _key(row: Mapping[str, Any], origin: str) -> PoseKey:
    if "time" not in row:
        raise InputError(f"{origin} has no time; {_EXPECTED}")
    time = row["time"]
    is_number = isinstance(time, int | float) and not isinstance(time, bool)
    if not is_number or not math.isfinite(time) or not 0 <= time <= MAX_SECONDS:
        raise InputError(f"{origin} is at time {str(time)[:80]!r}; give seconds from 0 to {MAX_SECONDS:g}")
    sliders = {name: value for name, value in row.items() if name != "time"}
    return PoseKey(float(time), FacePose.parse(sliders, origin=origin))


def _json_rows(path: Path) -> list[Mapping[str, Any]]:
    values = read_json(path, expected=_EXPECTED)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise InputError(f"{path}: is no list of keys; {_EXPECTED}")
    return values


def _csv_rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        if path.stat().st_size > _CSV_BYTES:
            raise InputError(f"{path}: has more than {_CSV_BYTES >> 20} MiB; {_HEADER}")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give an existing file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no text in UTF-8; {_HEADER}") from error
    table = [[cell.strip() for cell in line.split(",")] for line in lines if line.strip()]
    if not table or "time" not in table[0] or len(set(table[0])) != len(table[0]):
        raise InputError(f"{path}: its first line does not name the columns; {_HEADER}")
    header, rows = table[0], []
    for number, cells in enumerate(table[1:], start=1):
        if len(cells) != len(header):
            raise InputError(f"{path}: key {number} has {len(cells)} cells, the first line {len(header)}; {_HEADER}")
        rows.append({name: _number(cell, path, number) for name, cell in zip(header, cells, strict=True) if cell})
    return rows


def _number(cell: str, path: Path, number: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"{path}: key {number} has {cell[:80]!r} where a number belongs; {_HEADER}") from None


def _keys(*moments: tuple[float, dict[str, float]]) -> tuple[PoseKey, ...]:
    return tuple(PoseKey(time, FacePose.parse(sliders, origin="preset")) for time, sliders in moments)


def turned_about(share: float, yaw: float = 20.0, pitch: float = 8.0) -> FacePose:
    """A head on its way around a lying eight: to both sides, each once from below and from above; 0 and 1 are rest.

    Args:
        share: of the round, 0 to 1.
        yaw: degrees to either side.
        pitch: degrees up and down.
    """
    turn = 2 * math.pi * share
    return FacePose(yaw=yaw * math.sin(turn), pitch=pitch * math.sin(2 * turn))


def there_and_back(pose: FacePose, seconds: float) -> tuple[PoseKey, ...]:
    """From the photo into a pose, which stands for a while, and back."""
    rest = FacePose()
    shares = ((0.0, rest), (0.3, pose), (0.7, pose), (1.0, rest))
    return tuple(PoseKey(share * seconds, each) for share, each in shares)


_WINK = {"blink_left": 1.0, "smile": 0.45, "squint": 0.2, "roll": 3.0}
_SURPRISE = {"brows": 1.0, "jaw": 0.55, "blink_left": -0.3, "blink_right": -0.3, "pitch": -3.0}
_KISS = {"pucker": 1.0, "blink_left": 0.6, "blink_right": 0.6, "zoom": 1.04}
_SHUT = {"blink_left": 1.0, "blink_right": 1.0}

PRESETS: dict[str, Preset] = {
    "smile": Preset(_keys((0, {}), (0.8, {"smile": 0.9}), (1.7, {"smile": 0.9}), (2.5, {})), still_at=0.8),
    "surprise": Preset(_keys((0, {}), (0.35, _SURPRISE), (1.3, _SURPRISE), (2.0, {})), still_at=0.35),
    "wink": Preset(_keys((0, {}), (0.4, _WINK), (0.6, _WINK), (1.2, {"smile": 0.4}), (1.8, {})), still_at=0.5),
    "kiss": Preset(_keys((0, {}), (0.6, _KISS), (1.1, _KISS), (1.8, {})), still_at=0.8),
    "frown": Preset(_keys((0, {}), (0.6, {"frown": 1.0}), (1.6, {"frown": 1.0}), (2.2, {})), still_at=1.0),
    "blink": Preset(_keys((0, {}), (0.6, {}), (0.7, _SHUT), (0.78, _SHUT), (0.95, {}), (1.5, {})), still_at=0.75),
    "nod": Preset(
        _keys((0, {}), (0.4, {"pitch": 11}), (0.8, {"pitch": -4}), (1.2, {"pitch": 10}), (1.6, {"pitch": -2}), (2, {}))
    ),
    "shake": Preset(
        _keys((0, {}), (0.4, {"yaw": 13}), (0.8, {"yaw": -13}), (1.2, {"yaw": 13}), (1.6, {"yaw": -10}), (2, {}))
    ),
    "look-around": Preset(
        _keys(
            (0, {}),
            (0.5, {"gaze_x": -0.9}),
            (1.1, {"yaw": -14, "gaze_x": -0.3}),
            (1.7, {"yaw": -14, "gaze_x": -0.3, "pitch": -3}),
            (2.3, {"gaze_x": 0.9}),
            (2.9, {"yaw": 14, "gaze_x": 0.3}),
            (3.5, {"yaw": 14, "gaze_x": 0.3, "pitch": -3, "gaze_y": -0.4}),
            (4.3, {}),
        )
    ),
}
"""Names of ready-made movements."""
