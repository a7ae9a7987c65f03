"""The server over real sockets: games are separate, nothing piles up, who goes frees their place, limits hold."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.play.action_names import read_names
from kinema.play.session import Playable, load_playable, open_game
from kinema.play.starts import fit_start
from kinema.video import probe
from kinema.web.play.messages import read_message
from kinema.web.play.room import WINDOW, Limits, Player, Room
from kinema.web.play.server import PlayServer

from .client import Client, serving, status, wait_for_players

pytestmark = pytest.mark.extra("play", "fastapi", "uvicorn", "websockets")

EXACT = {"fps": 60, "idle": "wait", "format": "png"}


@pytest.fixture(scope="module")
def server(playable: Playable):
    with serving(playable, limits=Limits(players=2, upload_bytes=200_000)) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(server: PlayServer) -> None:
    wait_for_players(server, 0)


def test_a_page_is_served_and_needs_nothing_from_elsewhere(server: PlayServer):
    for name in ("", "game.js", "wire.js", "inputs.js", "style.css", "icon.svg"):
        with urllib.request.urlopen(server.address + name, timeout=60) as answer:
            text = answer.read().decode()
            assert answer.status == 200 and "https://" not in text
    assert status(server) == {"model": "tiny", "players": 0, "max_players": 2}


def test_frames_are_those_of_the_session(server: PlayServer, playable: Playable):
    game = open_game(playable)
    with Client(server) as player:
        welcome = player.hear("welcome")
        assert welcome["names"] == ["1", "2", "3"] and welcome["size"] == [64, 64]
        assert [start["name"] for start in welcome["starts"]] == ["circle", "square"]
        player.say("settings", **EXACT)
        player.say("reset", start="square")
        frame = player.frame()
        while (frame.image != game.reset("square")).any():  # the first one is a JPEG of the other start
            frame = player.frame()
        assert (frame.action, frame.step) == (-1, 0)
        player.say("hold", action=2, key=5)
        for step in range(1, 6):
            frame = player.frame()
            assert (frame.action, frame.step, frame.key) == (2, step, 5)
            assert (frame.image == game.step(2)).all()


def test_a_tap_between_two_frames_counts_once_and_nothing_follows(server: PlayServer):
    with Client(server) as player:
        assert player.frame().step == 0
        player.say("hold", action=1, key=1)
        player.say("hold", action=None, key=2)
        assert player.frame().action == 1
        with pytest.raises(TimeoutError):
            while True:
                assert player.receive(seconds=0.6) is None  # no frame


def test_two_players_have_games_of_their_own(server: PlayServer, playable: Playable):
    with Client(server) as first, Client(server) as second:
        games = []
        for player, start, action in ((first, "circle", 0), (second, "square", 1)):
            player.say("settings", **EXACT)
            player.say("reset", start=start)
            game = open_game(playable)
            game.reset(start)
            games.append((player, game, action))
            while (player.frame().image != game.frame).any():
                pass
            player.say("hold", action=action)
        assert status(server)["players"] == 2
        for step in range(1, 6):
            for player, game, action in games:
                frame = player.frame()
                while frame.step == 0:  # the reset's, where the one before it was exact already
                    frame = player.frame()
                assert frame.step == step
                assert (frame.image == game.step(action)).all()


def test_a_screen_that_does_not_confirm_gets_no_more(server: PlayServer):
    with Client(server) as player:
        player.say("settings", **EXACT)
        player.say("hold", action=0)
        serials = [player.frame(confirm=False).serial for _ in range(WINDOW)]
        with pytest.raises(TimeoutError):
            while True:
                assert player.receive(confirm=False, seconds=0.6) is None
        player.say("seen", serial=serials[-1])
        assert player.frame().serial == serials[-1] + 1


def test_who_goes_frees_their_place(server: PlayServer):
    first, second = Client(server), Client(server)
    wait_for_players(server, 2)
    from websockets.exceptions import ConnectionClosed

    with Client(server) as third, pytest.raises(ConnectionClosed) as closed:
        third.receive()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 4001 and "2 places" in closed.value.rcvd.reason
    first.say("hold", action=0)
    first.socket.socket.close()  # without a word, as a phone out of reach
    second.close()
    wait_for_players(server, 0)
    with Client(server) as again:
        assert again.frame().step == 0


def test_a_session_is_saved_opened_and_made_into_a_video(server: PlayServer, tmp_path: Path):
    with Client(server) as player:
        player.say("settings", **EXACT)
        player.say("hold", action=1)
        while player.frame().step < 4:
            pass
        player.say("hold", action=None)
        player.say("save")
        text = player.hear("recording")["text"]
        ((action, steps),) = json.loads(text)["actions"]
        assert action == 1 and steps >= 4
    with Client(server) as other:
        other.say("settings", **EXACT)
        other.say("replay", recording=text)
        while other.frame().step != steps:
            pass
        other.say("save")
        assert json.loads(other.hear("recording")["text"]) == json.loads(text)
        other.say("export")
        while not isinstance(video := other.receive(), bytes):
            pass
    (tmp_path / "played.mp4").write_bytes(video)
    info = probe(tmp_path / "played.mp4")
    assert (info.height, info.width, info.frame_rate) == (64, 64, 60)


def test_an_own_picture_becomes_the_start(server: PlayServer, game_model: Path, playable: Playable):
    data = (game_model / "starts" / "square.png").read_bytes()
    with Client(server) as player:
        player.say("settings", **EXACT)
        player.hear("state")
        player.socket.send(data)
        while (frame := player.frame()).serial < 2:
            pass
        assert (frame.image == playable.start("square").frames[-1]).all()
        assert player.hear("state")["start"] is None


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("no json", "not understood"),
        ('{"do": "dance"}', "not understood"),
        ('{"do": "hold", "action": 7}', "no action 8"),
        ('{"do": "settings", "fps": 1e9, "idle": "wait", "format": "png"}', "not understood"),
        ('{"do": "reset", "start": "../../etc"}', "unknown"),
        ('{"do": "replay", "recording": "{}"}', "is not a session"),
        ('{"do": "rename", "names": ["a", "a", "b"]}', "two actions"),
        (b"no picture", "not a picture"),
        (b"", "not a picture"),
        ("", "not understood"),
        ("[" * 100_000, "more parts than"),
        ('{"do": "hold", "action": 1, "a\nb": 1}', "not understood"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_the_game_goes_on(server: PlayServer, sent, message: str):
    with Client(server) as player:
        player.socket.send(sent)
        told = player.hear("problem")["message"]
        assert message in told and "\n" not in told
        player.say("hold", action=0)
        while player.frame().step < 1:
            pass


def test_too_large_an_upload_and_other_sites_are_refused(server: PlayServer):
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    with Client(server) as player, pytest.raises(ConnectionClosed):
        player.socket.send(b"x" * 200_001)
        while True:
            player.receive()
    wait_for_players(server, 0)
    with pytest.raises(InvalidStatus):
        Client(server, Origin="http://example.org")
    request = urllib.request.Request(server.address + "status", headers={"Host": "example.org"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request, timeout=60)


def test_names_reach_all_players_and_the_folder(game_model: Path, tmp_path: Path):
    folder = tmp_path / "named"
    shutil.copytree(game_model, folder)
    with serving(load_playable(folder, device="cpu")) as own, Client(own) as first, Client(own) as second:
        first.hear("welcome"), second.hear("welcome")
        first.say("rename", names=["left", "right", "stay"])
        assert first.hear("names") == second.hear("names")
        assert read_names(folder, 3).noop == 2
        second.say("settings", **EXACT | {"idle": "stay"})
        frames = [second.frame() for _ in range(4)]
        assert [frame.action for frame in frames][-2:] == [2, 2]


def test_who_sleeps_loses_their_place_and_a_given_start_comes_first(playable: Playable):
    given = fit_start([np.full((64, 64, 3), 90, np.uint8)], playable.config, name="given")
    with serving(playable, start=given, limits=Limits(idle_seconds=0.5)) as own, Client(own) as player:
        assert [start["name"] for start in player.hear("welcome")["starts"]] == ["given", "circle", "square"]
        assert abs(player.frame().image.astype(int) - 90).max() <= 2
        from websockets.exceptions import ConnectionClosed

        began = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            while time.monotonic() < began + 60:
                player.receive()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4002
        wait_for_players(own, 0)


def test_a_game_that_goes_on_by_itself_sleeps_too_and_says_when(playable: Playable):
    from websockets.exceptions import ConnectionClosed

    with serving(playable, limits=Limits(idle_seconds=4)) as own, Client(own) as player:
        player.say("settings", **EXACT | {"idle": "last"})
        player.say("hold", action=1)
        player.say("hold", action=None)
        steps = 0
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                steps = player.frame().step
        assert steps > 1, "it went on by itself"
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4002, "no key was pressed for 4 seconds")
        wait_for_players(own, 0)


def test_who_watches_a_session_does_not_sleep(playable: Playable):
    game = open_game(playable)
    game.reset()
    for _ in range(20):
        game.step(1)
    game.fps = 4.0
    with serving(playable, limits=Limits(idle_seconds=3)) as own, Client(own) as player:
        player.say("replay", recording=game.record().to_line())
        frame = player.frame()
        while frame.step < 20:  # five seconds
            frame = player.frame()
        assert frame.action == 1


def test_a_server_of_the_network_asks_for_its_token(playable: Playable):
    from websockets.exceptions import InvalidStatus

    with serving(playable, host="0.0.0.0") as own:
        assert own.network_address is not None and not own.room.may_rename
        plain, _, token = own.address.partition("?token=")
        for path in ("", "status", "game.js", "nothing"):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(plain + path, timeout=60)
        with pytest.raises(InvalidStatus):
            Client(SimpleNamespace(address=plain))
        with urllib.request.urlopen(own.address, timeout=60) as answer:
            cookie = answer.headers["set-cookie"].partition(";")[0]
        assert cookie.endswith(f"={token}")
        with Client(SimpleNamespace(address=plain), Cookie=cookie) as player:
            assert player.hear("welcome")["may_rename"] is False
            player.say("rename", names=["a", "b", "c"])
            assert "only the operator of this server" in player.hear("problem")["message"]


def test_who_leaves_while_their_video_is_made_disturbs_nobody(server: PlayServer, capfd: pytest.CaptureFixture[str]):
    for _ in range(3):
        with Client(server) as player:
            player.say("settings", **EXACT)
            player.say("hold", action=0)
            while player.frame().step < 30:
                pass
            player.say("export")
            player.hear("exporting")
        wait_for_players(server, 0)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("turns", range(5))
def test_a_game_ends_when_its_player_leaves_at_any_moment(playable: Playable, turns: int):
    async def leave() -> bool:
        room = Room(playable, Limits(), may_rename=False)
        shown = asyncio.Event()

        async def say(_: object) -> None: ...

        async def show(_: bytes) -> None:
            shown.set()

        player = Player(room, say, show)
        game = asyncio.create_task(player.play())
        await shown.wait()
        await asyncio.sleep(0.05)  # the game waits for a key
        await player.handle(read_message('{"do": "seen", "serial": 1}'))
        for _ in range(turns):  # of the loop, between the message and the leaving
            await asyncio.sleep(0)
        game.cancel()
        done, _ = await asyncio.wait([game], timeout=10)
        game.cancel()
        room.close()
        return bool(done)

    assert asyncio.run(leave())


def test_a_taken_port_and_nothing_to_start_from_are_one_line(server: PlayServer, playable: Playable, make_model):
    taken = int(server.address.rstrip("/").rpartition(":")[2])
    with pytest.raises(InputError, match="give another --port"):
        PlayServer(playable, port=taken)
    with pytest.raises(InputError, match="ships no start frames"):
        PlayServer(load_playable(make_model(system="playable"), device="cpu"), port=0)
