"""Lets several players share one model: each has a game, and all of them take turns on one thread."""

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

# Most frames that a page has not confirmed yet: one is drawn while the next is computed.
WINDOW = 2


@dataclass(frozen=True)
class Limits:
    """The most that a server allows.

    Attributes:
        players: players at once.
        upload_bytes: size of a picture or session that a player sends.
        idle_seconds: time without a key or click after which a player loses their place, even if the game goes on by
            itself. Replaying a session and exporting a video do not count as idle.
    """

    players: int = 4
    upload_bytes: int = 16_000_000
    idle_seconds: float = 900.0


class Room:
    """The model, its thread and the players.

    Attributes:
        playable: the model, with the current names of its actions.
        limits: the most that is allowed.
        starts: starts that a player may choose by name.
        first: the start of a game unless the player chooses another.
        players: the current players.
        may_rename: whether players may rename actions.
    """

    def __init__(self, playable: Playable, limits: Limits, *, first: Start | None = None, may_rename: bool) -> None:
        """Takes the model, the limits and the first start; None: the first of the starts that the model ships."""
        self.playable, self.limits, self.may_rename = playable, limits, may_rename
        self.starts = playable.starts if first is None else (first, *playable.starts)
        self.first = playable.start("") if first is None else first
        self.players: set[Player] = set()
        # One thread is enough, as a model uses all cores for a frame. Its queue is fair, as each player waits for one
        # frame before they ask for the next.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kinema-play")
        # Uploads are decoded one after the other, as decoding a large picture needs some hundred megabytes.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="kinema-play-reader")

    @property
    def is_full(self) -> bool:
        """Whether all places are taken."""
        return len(self.players) >= self.limits.players

    def find_start(self, name: str) -> Start:
        """Finds a start by its name.

        Raises:
            InputError: there is no start of this name.
        """
        for start in self.starts:
            if start.name == name:
                return start
        raise InputError(f"start '{name}' is unknown; reload the page")

    async def compute(self, function: Callable[[], Any]) -> Any:
        """Runs a function that uses the model in the model's thread, and returns its result."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def read(self, function: Callable[[], Any]) -> Any:
        """Runs a function that decodes an upload in the thread for uploads, and returns its result."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, function)

    def close(self) -> None:
        """Ends the threads."""
        for thread in (self._thread, self._reader):
            thread.shutdown(wait=False, cancel_futures=True)

    async def rename(self, names: tuple[str, ...], noop: int | None) -> None:
        """Renames the actions, in the model's folder and for all players.

        Raises:
            InputError: the names are refused, cannot be written, or may not be changed by players.
        """
        if not self.may_rename:
            raise InputError("only the operator of this server can rename actions: kinema actions MODEL --names ...")
        chosen = make_names(names, self.playable.pipeline.num_actions, noop=noop)
        write_names(self.playable.folder, chosen)
        self.playable = replace(self.playable, names=chosen)
        for player in list(self.players):
            player.session.playable = self.playable
            await player.say("names", names=chosen.names, noop=chosen.noop)


class Player:
    """One connection: its game, the action that is held, and the frames that were sent.

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
        self.last_activity = time.monotonic()
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
        """Sends a JSON message to the page."""
        await self._send_text({"say": what, **more})

    async def handle(self, message: Any) -> None:
        """Carries out a message of ``kinema.web.play.messages``.

        Raises:
            InputError: the request cannot be carried out.
        """
        if isinstance(message, wire.Seen):
            self._seen = max(self._seen, min(message.serial, self._sent))
        else:
            self.last_activity = time.monotonic()
            await self._carry_out(message)
        self._changed.set()

    async def take_picture(self, data: bytes) -> None:
        """Begins the game again with the picture of an image file as its start.

        Raises:
            InputError: the data are not a picture.
        """
        self.last_activity = time.monotonic()
        config = self.room.playable.config
        self._start = await self.room.read(lambda: decode_picture(data, config))
        self._restart(wire.Reset(do="reset"))

    async def play(self) -> None:
        """Sends frames at the chosen rate, or as fast as the page confirms them, until the player is idle too long."""
        due = time.monotonic()
        while (left := self.last_activity + self.room.limits.idle_seconds - time.monotonic()) > 0:
            if not self._has_work():
                self._changed.clear()
                # Not asyncio.wait_for: in Python 3.11 it loses a cancellation that comes while its result arrives.
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
                # The page updates the state after a reset and at the end of a replay.
                if self.session.num_steps == 0 or (self._scripted and not self._script):
                    self._scripted = False
                    await self._tell_state()

    def leave(self) -> list[asyncio.Task[None]]:
        """Cancels the video export of this player, and returns the tasks that the caller must wait for."""
        if self._export is None:
            return []
        self._export.cancel()
        return [self._export]

    async def _carry_out(self, message: Any) -> None:
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
            self._restart(message)
        elif isinstance(message, wire.Rename):
            await self.room.rename(message.names, message.noop)
        elif isinstance(message, wire.Save):
            await self.say("recording", text=self.session.record().to_line())
        elif isinstance(message, wire.Export):
            if self._export is not None and not self._export.done():
                raise InputError("a video of this game is already being exported; wait until it is done")
            self._export = asyncio.create_task(self._send_video(self.session.record()))
        elif isinstance(message, wire.Replay):
            self._replay(*await self.room.read(lambda: self._open(message.recording)))

    def _restart(self, request: wire.Reset) -> None:
        self._script.clear()
        self._scripted = self._is_over = False
        self._held = self._tapped = self._last = None
        self._next_reset = request
        self._changed.set()

    def _open(self, text: str) -> tuple[Recording, Start]:
        recording = parse_recording(text, origin="the file")
        return recording, self.session.check(recording)

    def _replay(self, recording: Recording, start: Start) -> None:
        self._start = start
        self._restart(wire.Reset(do="reset", seed=recording.seed, variety=recording.variety))
        self._settings = self._settings.model_copy(update={"fps": min(60.0, max(0.5, recording.fps))})
        self.session.fps = recording.fps
        self._script.extend(recording.steps())
        self._scripted = True

    def _has_work(self) -> bool:
        if self._sent - self._seen >= WINDOW:
            return False
        return self._next_reset is not None or (not self._is_over and self._choose() is not None)

    def _choose(self) -> int | None:
        """The next action, or None while the game waits."""
        if self._script:
            return self._script[0]
        for action in (self._tapped, self._held):
            if action is not None:
                return action
        if self._settings.idle == "wait":
            return None
        return self.session.playable.names.noop if self._settings.idle == "stay" else self._last

    def _advance(self, asked: float) -> bytes | None:
        """Computes the next frame, encoded for the page; runs in the model's thread.

        The action is chosen here rather than when the frame was asked for, so that the key that is held now counts.
        """
        began = time.perf_counter()
        reset, action, key = self._next_reset, self._choose(), self._key
        if reset is not None:
            self._next_reset = None
            frame, action = self.session.reset(self._start, seed=reset.seed, variety=reset.variety), -1
        elif action is None:
            return None
        else:
            if self._script:
                self._script.popleft()
                self.last_activity = time.monotonic()
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
        """Replays the recording in turns with the running games, and sends it as a video file."""
        session = GameSession(self.session.playable)
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "played.mp4"
                rate = Fraction(recording.fps).limit_denominator(1001)
                with VideoWriter(path, frame_rate=rate) as writer:
                    frames = session.replay(recording)
                    for done in range(recording.num_steps + 1):
                        frame: np.ndarray = await self.room.compute(lambda: next(frames))
                        await _finish(asyncio.to_thread(writer.write, frame))
                        self.last_activity = time.monotonic()
                        if done % 10 == 0:
                            await self.say("exporting", done=done, total=recording.num_steps + 1)
                await self._send_bytes(bytes([wire.VIDEO]) + path.read_bytes())
        except (InputError, OSError) as error:
            await self.say("problem", message=str(error))


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Waits until ``work`` is done even after a cancellation, as a thread still writes to the open file."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
