"""Session files that a stranger has changed: they replay, or end in one line; never slowly, never with much memory."""

from __future__ import annotations

import base64
import json
import os
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.play.recording import MAX_RECORDING_BYTES, MAX_STEPS, parse_recording, read_recording
from kinema.play.session import GameSession, Playable, open_game
from kinema.play.starts import pack_frames, unpack_frames
from kinema.web.play.messages import read_message

VALUES = (
    None,
    True,
    -1,
    0,
    1,
    0.5,
    2**31,
    2**63,
    2**70,
    1e308,
    -1e308,
    "",
    "x",
    "\n\x1b[31m",
    "x" * 1000,
    [],
    {},
    [[]],
    [0],
    {"": 0},
)


@pytest.fixture(scope="module")
def session(playable: Playable) -> dict[str, Any]:
    """A saved session that begins with a picture of the player's own."""
    game = open_game(playable)
    game.reset(np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8), seed=3, variety=0.5)
    for action in (0, 0, 1, 2):
        game.step(action)
    return json.loads(game.record().to_line())


def places(values: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) inside."""
    keys = list(values) if isinstance(values, dict) else range(len(values)) if isinstance(values, list) else ()
    return [place for key in keys for place in ((values, key), *places(values[key]))]


def with_other_values(session: dict[str, Any], rng: random.Random) -> str:
    """One or two fields changed, left out, renamed or added."""
    values = json.loads(json.dumps(session))
    for _ in range(rng.choice((1, 1, 2))):
        container, key = rng.choice(places(values))
        what = rng.random()
        if what < 0.6:
            container[key] = rng.choice(VALUES)
        elif what < 0.8:
            del container[key]
        elif isinstance(container, dict):
            container[rng.choice(("", "a\nb", "\x1b[2J", "k" * 5000, "é"))] = container.pop(key)
        else:
            container.append(rng.choice(VALUES))
    return json.dumps(values)


def with_other_letters(session: dict[str, Any], rng: random.Random) -> str:
    """Some letters changed, left out or repeated."""
    text = json.dumps(session)
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(text))
        text = rng.choice(
            (text[:at], text[:at] + rng.choice('{}[]",:\\0e-\0é\ud800') + text[at + 1 :], text[:at] + text[at // 2 :])
        )
    return text


def with_other_bytes_in_a_frame(session: dict[str, Any], rng: random.Random) -> str:
    """The PNG of the start damaged."""
    values = json.loads(json.dumps(session))
    frame = bytearray(base64.b64decode(values["start"]["frames"][0]))
    for _ in range(rng.choice((1, 2, 5))):
        frame[rng.randrange(len(frame))] = rng.randrange(256)
    values["start"]["frames"][0] = base64.b64encode(frame[: rng.choice((None, len(frame) // 2))]).decode()
    return json.dumps(values)


@pytest.mark.parametrize("change", [with_other_values, with_other_letters, with_other_bytes_in_a_frame])
def test_a_changed_session_replays_or_is_one_line(playable: Playable, session, change: Callable[..., str]):
    rng, counts = random.Random(change.__name__), {"played": 0, "refused": 0}
    for _ in range(400):
        text = change(session, rng)
        try:
            recording = parse_recording(text, origin="given")
            game = GameSession(playable)
            game.check(recording)
            if recording.num_steps <= 8 and counts["played"] < 5:
                assert len(list(game.replay(recording))) == recording.num_steps + 1
            counts["played"] += 1
        except InputError as error:
            told = str(error)
            assert told.isprintable() and len(told) < 500, told
            counts["refused"] += 1
    assert counts["refused"] > 100, counts


def test_a_file_that_never_ends_is_not_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="is not a file"):
            read_recording(Path(path))
    (tmp_path / "large").write_bytes(bytes(MAX_RECORDING_BYTES + 1))
    with pytest.raises(InputError, match="more than 8 MB"):
        read_recording(tmp_path / "large")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="cannot be read"):
        read_recording(tmp_path / "binary")


@pytest.mark.parametrize("part", ["0", "{}", "[0,1]", '"a"'])
def test_many_parts_take_no_memory(session: dict[str, Any], part: str):
    count = MAX_RECORDING_BYTES // (len(part) + 1) - 100_000
    for text in (json.dumps(session | {"actions": "HERE"}), '{"do": "rename", "names": "HERE"}'):
        hostile = text.replace('"HERE"', "[" + f"{part}," * count + part + "]")
        tracemalloc.start()
        with pytest.raises(InputError) as error:
            parse_recording(hostile, origin="given") if "kinema_play" in text else read_message(hostile)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 1_000_000 and "\n" not in str(error.value)


def test_the_longest_session_is_none_with_too_many_parts(playable: Playable, session: dict[str, Any]):
    longest = session | {"actions": [[step % 2, 1] for step in range(MAX_STEPS)]}
    assert parse_recording(json.dumps(longest), origin="given").num_steps == MAX_STEPS
    message = read_message(json.dumps({"do": "replay", "recording": json.dumps(longest)}))
    assert parse_recording(message.recording, origin="given").num_steps == MAX_STEPS


def test_frames_of_another_size_are_refused_before_they_are_decoded():
    large = pack_frames(np.zeros((1, 6000, 6000, 3), np.uint8))
    tracemalloc.start()
    with pytest.raises(InputError, match="6000x6000"):
        unpack_frames(large, (64, 64))
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_a_hostile_session_on_the_command_line_is_one_line(kinema, game_model: Path, session, tmp_path: Path):
    rng = random.Random(5)
    for number in range(6):
        path = tmp_path / f"{number}.json"
        path.write_text(with_other_values(session | {"weights": "0" * 64, "model": "a\n\x1b[2J"}, rng))
        code, _, err = kinema("play", game_model, "--replay", path, "-o", tmp_path / "out.mp4")
        assert code == 2 and err.count("\n") == 1 and err.strip().isprintable(), err
    assert not list(tmp_path.glob("*out*"))
