"""A game from Python: what frames depend on, what a saved session holds, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.data.clips.synthetic import moving_shapes
from kinema.play.recording import MAX_RECORDING_BYTES, RecordedStart, Recording, parse_recording, read_recording
from kinema.play.session import GameSession, Playable, open_game, write_video
from kinema.play.starts import decode_picture, digest_of, fit_start, max_frames, pack_frames
from kinema.systems.playable.presets import breakout
from kinema.video import probe, read_image, write_image

ACTIONS = [0, 0, 2, 1, 1, 1]


def play(playable: Playable, actions: list[int], **how) -> list[np.ndarray]:
    game = open_game(playable)
    return [game.reset(**how), *(game.step(action) for action in actions)]


def test_frames_follow_the_actions(playable: Playable):
    frames, other = play(playable, ACTIONS), play(playable, [1, *ACTIONS[1:]])
    assert all(frame.shape == (64, 64, 3) and frame.dtype == np.uint8 for frame in frames)
    assert (frames[0] == other[0]).all() and (frames[1] != other[1]).any()
    assert all((a == b).all() for a, b in zip(frames, play(playable, ACTIONS), strict=True))


def test_two_games_of_a_model_do_not_meet(playable: Playable):
    first, second = open_game(playable), open_game(playable)
    first.reset("circle"), second.reset("square")
    for action in ACTIONS:
        first.step(action), second.step(0)
    assert (first.frame == play(playable, ACTIONS, start="circle")[-1]).all()


def test_the_seed_matters_where_there_is_variety(playable: Playable):
    def last(**how) -> np.ndarray:
        return play(playable, ACTIONS, **how)[-1]

    assert (last(seed=1) == last(seed=2)).all()
    assert (last(seed=1, variety=3.0) == last(seed=1, variety=3.0)).all()
    assert (last(seed=1, variety=3.0) != last(seed=2, variety=3.0)).any()


@pytest.mark.parametrize("own", [False, True])
def test_a_saved_session_gives_the_same_frames(playable: Playable, tmp_path: Path, own: bool):
    game = open_game(playable)
    picture = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    game.fps = 12.5
    frames = [game.reset(picture if own else "square", seed=7, variety=1.0), *(game.step(a) for a in ACTIONS)]
    game.record().write(tmp_path / "session.json")
    saved = json.loads((tmp_path / "session.json").read_text())
    assert saved["actions"] == [[0, 2], [2, 1], [1, 3]] and bool(saved["start"]["frames"]) is own
    other = open_game(playable)
    again = list(other.replay(read_recording(tmp_path / "session.json")))
    assert all((a == b).all() for a, b in zip(frames, again, strict=True))
    assert other.record() == game.record()


def test_a_session_becomes_a_video(playable: Playable, tmp_path: Path):
    game = open_game(playable)
    game.reset()
    for action in ACTIONS:
        game.step(action)
    assert write_video(game, game.record(), tmp_path / "played.mp4") == len(ACTIONS) + 1
    info = probe(tmp_path / "played.mp4")
    assert (info.height, info.width, info.frame_rate) == (64, 64, 10)


def test_a_start_is_cut_as_training_frames_are(playable: Playable, game_model: Path):
    wide = np.zeros((64, 100, 3), np.uint8)
    wide[:, 18:82] = 200
    assert (open_game(playable).reset(wide) == 200).all()
    path = game_model / "starts" / "square.png"
    by_path, by_bytes = open_game(playable).reset(path), decode_picture(path.read_bytes(), playable.config)
    assert (by_path == read_image(path)).all() and (by_bytes.frames[0] == by_path).all()


def test_a_game_from_a_clip_knows_what_came_before(playable: Playable):
    clip = moving_shapes(1, 12, 64, seed=4)[0]
    games = {first: open_game(playable) for first in (0, 5, 6, 7, 11)}
    frames = {first: [game.reset(clip[first:]), game.step(1)] for first, game in games.items()}
    assert all((shown[0] == clip[-1]).all() for shown in frames.values())
    assert all((frames[first][1] == frames[6][1]).all() for first in (0, 5)), "six frames are kept"
    assert (frames[7][1] != frames[6][1]).any() and (frames[11][1] != frames[6][1]).any()
    recording = games[0].record()
    assert len(recording.start.frames) == 6
    assert [digest_of(frame) for frame in open_game(playable).replay(recording)][-1] == recording.last


def test_what_lies_before_a_cut_is_not_remembered(playable: Playable):
    before, after = moving_shapes(2, 40, 64, seed=1)
    for length, kept in ((3, 3), (20, 6)):
        start = fit_start([*before[:12], *after[:length]], playable.config)
        assert (start.frames == after[length - kept : length]).all()


def test_sessions_that_began_cold_from_a_shipped_clip_still_replay(make_model):
    folder, clip = make_model(system="playable"), moving_shapes(1, 8, 64, seed=4)[0]
    (folder / "starts" / "clip").mkdir(parents=True)
    for place, frame in enumerate(clip):
        write_image(folder / "starts" / "clip" / f"{place}.png", frame)
    game = open_game(folder)
    assert len(game.playable.start("clip").frames) == 6
    shown = [game.reset(clip[-1]), game.step(2)]
    old = game.record()
    old = old.model_copy(update={"start": old.start.model_copy(update={"name": "clip", "frames": ()})})
    again = open_game(folder)
    assert all((a == b).all() for a, b in zip(shown, again.replay(old), strict=True))
    assert again.record().last == old.last


def test_large_frames_leave_room_for_the_session_that_holds_them():
    plain = ["representation.stack=1", "frames.size=[768, 640]", "dynamics.size=[96, 80]"]
    config = breakout().override(plain)
    noise = list(np.random.default_rng(0).integers(0, 256, (8, 768, 640, 3), dtype=np.uint8))
    start = fit_start(noise, config)
    told = RecordedStart(sha256=start.digest, frames=tuple(pack_frames(start.frames)))
    recording = Recording(model="m", weights="0" * 64, start=told, actions=((10, 1), (11, 1)) * 10_000)
    assert len(start.frames) == 3 and len(recording.to_line()) < MAX_RECORDING_BYTES
    assert max_frames(breakout().override([*plain, "representation.stack=4"])) == 4


def test_what_cannot_be_played_is_one_line(playable: Playable, make_model, tiny_model: Path):
    game = open_game(playable)
    with pytest.raises(InputError, match="has not begun"):
        game.step(0)
    game.reset()
    for action, message in ((3, "accepted: 0 to 2"), ("jump", "known: 1, 2, 3"), (None, "no action of .* to stay")):
        with pytest.raises(InputError, match=message):
            game.step(action)
    with pytest.raises(InputError, match="known: circle, square"):
        game.reset("triangle")
    with pytest.raises(InputError, match="got float64"):
        game.reset(np.zeros((64, 64, 3)))
    with pytest.raises(InputError, match="ships no start frames"):
        open_game(make_model(system="playable"), device="cpu").reset()
    with pytest.raises(InputError, match="is a first_order model.*needs a model of playable"):
        open_game(tiny_model)


def test_sessions_that_do_not_fit_are_refused(playable: Playable):
    game = open_game(playable)
    game.reset()
    game.step(1)
    text = game.record().to_line()
    values = json.loads(text)

    def replay(**changes) -> None:
        list(GameSession(playable).replay(parse_recording(json.dumps(values | changes), origin="given")))

    replay()
    with pytest.raises(InputError, match="other weights"):
        replay(weights="0" * 64)
    with pytest.raises(InputError, match="start of the session has other pixels"):
        replay(start=values["start"] | {"sha256": "0" * 64})
    with pytest.raises(InputError, match="actions that tiny does not have"):
        replay(actions=[[3, 1]])
    with pytest.raises(InputError, match="at most 20000"):
        replay(actions=[[0, 20_000], [1, 1]])
    with pytest.raises(InputError, match="damaged"):
        replay(start=values["start"] | {"frames": ["aGVsbG8="]})
    for wrong in ("[" * 100_000, "{}", "nonsense", text[:-5]):
        with pytest.raises(InputError, match="given: is no"):
            parse_recording(wrong, origin="given")
