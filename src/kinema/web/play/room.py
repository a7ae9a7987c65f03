"""Several players and one model: each has a game, all take turns on one thread, none gets ahead of their screen."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from kinema.core.checks import InputError
from kinema.play.action_names import make_names, write_names
from kinema.play.recording import MAX_STEPS, Recording, parse_recording
from kinema.play.session import GameSession, Playable
from kinema.play.starts import Start, decode_picture
from kinema.video import VideoWriter
from kinema.web.play import messages as wire

# Frames under way to a screen that has not confirmed them: one is drawn while the next is computed.
WINDOW = 2


@dataclass(frozen=True)
class Limits:
    """What a server bears.

    Attributes:
        players: at once.
        upload_bytes: of a picture or session that a player sends.
        idle_seconds: after these without any key or click a player loses their place, also where the game goes on by
            itself. What plays a saved session or has a video made is not idle.
    """

    players: int = 4
    upload_bytes: int = 16_000_000
    idle_seconds: float = 900.0


class Room:
    """The model, its thread, and who plays.

    Attributes:
        playable: the model, with the names that its actions have now.
        limits: what is borne.
        starts: that may be chosen by name.
        first: where games begin unless a player chooses.
        players: those who play.
        may_rename: whether players may name actions.
    """

    def __init__(self, playable: Playable, limits: Limits, *, first: Start | None = None, may_rename: bool) -> None:
        """Takes the model, the limits, and where games begin at first; None: the first start that the model ships."""
        self.playable, self.limits, self.may_rename = playable, limits, may_rename
        self.starts = playable.starts if first is None else (first, *playable.starts)
        self.first = playable.start("") if first is None else first
        self.players: set[Player] = set()
        # One thread: a model uses all cores for one frame already, and its queue is fair, as every player waits for
        # their frame before asking for another.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kinema-play")
        # What players send is decoded one after the other: a large picture takes some hundred megabytes meanwhile.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="kinema-play-reader")

    @property
    def is_full(self) -> bool:
        """Whether there is no place left."""
        return len(self.players) >= self.limits.players

    def find_start(self, name: str) -> Start:
        """A start by its name.

        Raises:
            InputError: there is none.
        """
        for start in self.starts:
            if start.name == name:
                return start
        raise InputError(f"start '{name}' is unknown; load the page again")

    async def compute(self, function: Callable[[], Any]) -> Any:
        """What a function gives that uses the model, once it is its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def read(self, function: Callable[[], Any]) -> Any:
        """What a function gives that reads what a player sent, once it is its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, function)

    def close(self) -> None:
        """Ends the threads."""
        for thread in (self._thread, self._reader):
            thread.shutdown(wait=False, cancel_futures=True)

    async def rename(self, names: tuple[str, ...], noop: int | None) -> None:
        """Names the actions, in the model's folder and for all players.

        Raises:
            InputError: the names do not fit, cannot be written, or may not be changed from here.
        """
        if not self.may_rename:
            raise InputError("actions are named by who runs the server: kinema actions MODEL --names ...")
        chosen = make_names(names, self.playable.pipeline.num_actions, noop=noop)
        write_names(self.playable.folder, chosen)
        self.playable = replace(self.playable, names=chosen)
        for player in list(self.players):
            player.session.playable = self.playable
            await player.say("names", names=chosen.names, noop=chosen.noop)


class Player:
    """One connection: what is held, the game, and what was sent.

    Attributes:
        session: the game.
    """

    def __init__(
        self,
        room: Room,
        send_text: Callable[[dict[str, Any]], Awaitable[None]],
        send_bytes: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self.room = room
        self.session = GameSession(room.playable)
        self.last_sign = time.monotonic()
        self._send_text, self._send_bytes = send_text, send_bytes
        self._settings = wire.Settings(do="settings", fps=10, idle="wait", format="jpeg")
        self._start = room.first
        self._held: int | None = None
        self._tapped: int | None = None
        self._last: int | None = None
        self._key = 0
        self._sent = self._seen = 0
        self._next_reset: wire.Reset | None = wire.Reset(do="reset")
        self._script: deque[int] = deque()
        self._scripted = self._is_over = False
        self._changed = asyncio.Event()
        self._export: asyncio.Task[None] | None = None

    async def say(self, what: str, **more: Any) -> None:
        """Sends JSON."""
        await self._send_text({"say": what, **more})

    async def hear(self, message: Any) -> None:
        """Does what a message of ``kinema.web.play.messages`` asks.

        Raises:
            InputError: it cannot be done.
        """
        if isinstance(message, wire.Seen):
            self._seen = max(self._seen, min(message.serial, self._sent))
        else:
            self.last_sign = time.monotonic()
            await self._obey(message)
        self._changed.set()

    async def take_picture(self, data: bytes) -> None:
        """Begins anew from a picture's file.

        Raises:
            InputError: it is no picture.
        """
        self.last_sign = time.monotonic()
        config = self.room.playable.config
        self._start = await self.room.read(lambda: decode_picture(data, config))
        self._begin(wire.Reset(do="reset"))

    async def play(self) -> None:
        """Sends frames, no faster than the speed and the screen allow; ends when the player has fallen asleep."""
        due = time.monotonic()
        while (left := self.last_sign + self.room.limits.idle_seconds - time.monotonic()) > 0:
            if not self._has_work():
                self._changed.clear()
                # Not wait_for: Python 3.11's forgets that it was cancelled where what it waits for comes meanwhile.
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._changed.wait()
                continue
            await asyncio.sleep(due - time.monotonic())
            due = max(due, time.monotonic()) + 1 / self._settings.fps
            asked = time.perf_counter()
            try:
                packet = await self.room.compute(lambda asked=asked: self._advance(asked))
            except InputError as error:
                self._is_over = True
                await self.say("problem", message=str(error))
                continue
            if packet is not None:
                await self._send_bytes(packet)
                # After a reset and at the end of a replay.
                if self.session.num_steps == 0 or (self._scripted and not self._script):
                    self._scripted = False
                    await self._tell_state()

    def leave(self) -> list[asyncio.Task[None]]:
        """Stops what was begun for this player, and says what has to end yet."""
        if self._export is None:
            return []
        self._export.cancel()
        return [self._export]

    async def _obey(self, message: Any) -> None:
        if isinstance(message, wire.Hold):
            if message.action is not None:
                if message.action >= self.session.num_actions:
                    raise InputError(f"there is no action {message.action + 1}")
                self._tapped = self._last = message.action
                self._script.clear()
            self._held, self._key = message.action, message.key
        elif isinstance(message, wire.Settings):
            self._settings, self.session.fps = message, message.fps
        elif isinstance(message, wire.Reset):
            if message.start is not None:
                self._start = self.room.find_start(message.start)
            self._begin(message)
        elif isinstance(message, wire.Rename):
            await self.room.rename(message.names, message.noop)
        elif isinstance(message, wire.Save):
            await self.say("recording", text=self.session.record().to_line())
        elif isinstance(message, wire.Export):
            if self._export is not None and not self._export.done():
                raise InputError("a video of this game is being made already")
            self._export = asyncio.create_task(self._send_video(self.session.record()))
        elif isinstance(message, wire.Replay):
            self._replay(*await self.room.read(lambda: self._open(message.recording)))

    def _begin(self, how: wire.Reset) -> None:
        self._script.clear()
        self._scripted = self._is_over = False
        self._held = self._tapped = self._last = None
        self._next_reset = how
        self._changed.set()

    def _open(self, text: str) -> tuple[Recording, Start]:
        recording = parse_recording(text, origin="the file")
        return recording, self.session.check(recording)

    def _replay(self, recording: Recording, start: Start) -> None:
        self._start = start
        self._begin(wire.Reset(do="reset", seed=recording.seed, variety=recording.variety))
        self._settings = self._settings.model_copy(update={"fps": min(60.0, max(0.5, recording.fps))})
        self.session.fps = recording.fps
        self._script.extend(recording.steps())
        self._scripted = True

    def _has_work(self) -> bool:
        if self._sent - self._seen >= WINDOW:
            return False
        return self._next_reset is not None or (not self._is_over and self._choose() is not None)

    def _choose(self) -> int | None:
        """The action that is next, or None where the game waits."""
        if self._script:
            return self._script[0]
        for action in (self._tapped, self._held):
            if action is not None:
                return action
        if self._settings.idle == "wait":
            return None
        return self.session.playable.names.noop if self._settings.idle == "stay" else self._last

    def _advance(self, asked: float) -> bytes | None:
        """In the model's thread: a frame, ready to be sent. What is held now counts, not what was held before."""
        began = time.perf_counter()
        how, action, key = self._next_reset, self._choose(), self._key
        if how is not None:
            self._next_reset = None
            frame, action = self.session.reset(self._start, seed=how.seed, variety=how.variety), -1
        elif action is None:
            return None
        else:
            if self._script:
                self._script.popleft()
                self.last_sign = time.monotonic()
            else:
                self._tapped = None
            frame = self.session.step(action)
        picture = wire.encode_picture(frame, self._settings.format)
        self._sent += 1
        head = wire.FRAME_HEADER.pack(
            wire.FRAME,
            wire.FORMATS.index(self._settings.format),
            action,
            self._sent,
            self.session.num_steps,
            key,
            1e3 * (time.perf_counter() - began),
            1e3 * (began - asked),
        )
        return head + picture

    async def _tell_state(self) -> None:
        offered = any(self._start is start for start in self.room.starts)
        await self.say(
            "state",
            start=self._start.name if offered else None,
            replaying=len(self._script),
            fps=self._settings.fps,
            players=len(self.room.players),
            max_steps=MAX_STEPS,
        )

    async def _send_video(self, recording: Recording) -> None:
        """Plays the recording again beside the game, a frame a turn, and sends the file."""
        session = GameSession(self.session.playable)
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "played.mp4"
                rate = Fraction(recording.fps).limit_denominator(1001)
                with VideoWriter(path, frame_rate=rate) as writer:
                    frames = session.replay(recording)
                    for done in range(recording.num_steps + 1):
                        frame: np.ndarray = await self.room.compute(lambda: next(frames))
                        await _to_the_end(asyncio.to_thread(writer.write, frame))
                        self.last_sign = time.monotonic()
                        if done % 10 == 0:
                            await self.say("exporting", done=done, total=recording.num_steps + 1)
                await self._send_bytes(bytes([wire.VIDEO]) + path.read_bytes())
        except (InputError, OSError) as error:
            await self.say("problem", message=str(error))


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Waits for what a thread does even where nobody wants it any more, as files must not be closed meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
