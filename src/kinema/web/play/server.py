"""Serves a loaded model as a page: FastAPI sends the files, and one WebSocket for each player carries the game."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

from kinema.core.checks import InputError, require_extra
from kinema.play.session import Playable
from kinema.play.starts import Start
from kinema.web.connections import ConnectionLimits
from kinema.web.listener import listen
from kinema.web.play.messages import encode_picture, read_message
from kinema.web.play.room import Limits, Player, Room
from kinema.web.serving import WebServer

PAGE = Path(__file__).parent / "page"
DEFAULT_PORT = 8750
# Close codes of WebSockets that the page explains.
FULL, IDLE = 4001, 4002
# A page loads its files over up to six connections, and plays over one more.
CONNECTIONS_PER_PLAYER, OTHER_CONNECTIONS = 7, 32


class PlayServer:
    """A server that is bound to its port but not yet running.

    Attributes:
        address: URL for a browser on this machine.
        network_address: URL for a browser on another machine; None if no other machine can connect.
        room: the model and its players.
    """

    def __init__(
        self,
        playable: Playable,
        *,
        start: Start | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        token: str | None = None,
        limits: Limits | None = None,
        connection_limits: ConnectionLimits | None = None,
    ) -> None:
        """Binds a port.

        Args:
            playable: the model.
            start: where games begin; None: the first of the starts that the model ships.
            host: address to listen on; "0.0.0.0" lets other machines play.
            port: number of the port; 0: any free port; None: 8750, or any free port where that is taken.
            token: that a browser must bring; None: no token on loopback, elsewhere a random one, which is part of the
                addresses.
            limits: number of players, size of uploads, and idle time.
            connection_limits: of the web server; None: as many connections as that many players need.

        Raises:
            InputError: the extra is not installed, the port is taken, the token is refused, or the model has no start
                and none is given.
        """
        for module in ("uvicorn", "fastapi", "websockets"):
            require_extra(module, extra="play", purpose="kinema play")
        limits = Limits() if limits is None else limits
        if connection_limits is None:
            connection_limits = ConnectionLimits(OTHER_CONNECTIONS + CONNECTIONS_PER_PLAYER * limits.players)
        self.room = Room(playable, limits, first=start, may_rename=False)
        listener = listen(host, port, default_port=DEFAULT_PORT)
        self.room.may_rename = listener.is_loopback
        try:
            self._web = WebServer(
                build_app(self.room),
                listener,
                token=token,
                limits=connection_limits,
                # Uploads come as single messages, so this also bounds the memory that one needs.
                message_bytes=limits.upload_bytes,
            )
        except InputError:
            listener.socket.close()
            raise
        self.address, self.network_address = self._web.address, self._web.network_address

    def run(self) -> None:
        """Serves until :meth:`stop` is called or the process is interrupted (Ctrl+C), which is not an error."""
        try:
            self._web.run()
        finally:
            self.room.close()

    def stop(self) -> None:
        """Ends a running server; may be called from any thread."""
        self._web.stop()


def build_app(room: Room) -> Any:
    """The FastAPI application: the page at /, the number of players at /status, the game's WebSocket at /play.

    Args:
        room: the model and its players.
    """
    fastapi = require_extra("fastapi", extra="play", purpose="kinema play")
    routing, files, responses = (
        require_extra(f"starlette.{name}", extra="play", purpose="kinema play")
        for name in ("routing", "staticfiles", "responses")
    )
    app = fastapi.FastAPI(openapi_url=None, routes=[routing.WebSocketRoute("/play", _GameSocket(room))])

    @app.get("/status")
    def status() -> Any:
        answer = {"model": room.playable.name, "players": len(room.players), "max_players": room.limits.players}
        return responses.JSONResponse(answer, headers={"cache-control": "no-store"})

    app.mount("/", files.StaticFiles(directory=PAGE, html=True))
    return app


class _GameSocket:
    """The ASGI application at /play: one WebSocket for each player."""

    def __init__(self, room: Room) -> None:
        self.room = room

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from_starlette = require_extra("starlette.websockets", extra="play", purpose="kinema play")
        socket = from_starlette.WebSocket(scope, receive, send)
        await socket.accept()
        if self.room.is_full:
            await socket.close(FULL, f"all {self.room.limits.players} places are taken; try again later")
            return
        await self._serve(socket, from_starlette.WebSocketDisconnect)

    async def _serve(self, socket: Any, gone: type[Exception]) -> None:
        lock = asyncio.Lock()

        async def send_text(values: dict[str, Any]) -> None:
            async with lock:
                await socket.send_json(values)

        async def send_bytes(data: bytes) -> None:
            async with lock:
                await socket.send_bytes(data)

        player = Player(self.room, send_text, send_bytes)
        self.room.players.add(player)
        tasks: list[asyncio.Task[None]] = []
        try:
            await player.say("welcome", **_welcome(self.room))
            tasks = [asyncio.create_task(_listen(socket, player)), asyncio.create_task(player.play())]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if tasks[1] in done:
                await socket.close(IDLE, f"no key was pressed for {_in_words(self.room.limits.idle_seconds)}")
        except (gone, RuntimeError) as error:
            # Starlette raises RuntimeError if something is sent after the other side has closed.
            if isinstance(error, RuntimeError) and "close" not in str(error).lower():
                raise
        finally:
            self.room.players.discard(player)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *player.leave(), return_exceptions=True)


async def _listen(socket: Any, player: Player) -> None:
    """Passes the messages of the page to the player until the page disconnects."""
    while True:
        event = await socket.receive()
        if event["type"] == "websocket.disconnect":
            return
        try:
            if event.get("bytes") is not None:
                await player.take_picture(event["bytes"])
            else:
                await player.handle(read_message(event["text"]))
        except InputError as error:
            await player.say("problem", message=str(error))


def _in_words(seconds: float) -> str:
    """A duration in words, such as "15 minutes"."""
    count, unit = (round(seconds / 60), "minute") if seconds >= 60 else (max(1, round(seconds)), "second")
    return f"{count} {unit}" + ("" if count == 1 else "s")


def _welcome(room: Room) -> dict[str, Any]:
    """The content of the first message to a page."""
    playable = room.playable
    return {
        "model": playable.name,
        "size": playable.pipeline.size,
        "names": playable.names.names,
        "noop": playable.names.noop,
        "may_rename": room.may_rename,
        "upload_bytes": room.limits.upload_bytes,
        "starts": [
            {"name": start.name, "picture": base64.b64encode(encode_picture(start.frames[-1], "jpeg")).decode()}
            for start in room.starts
        ],
    }
