"""A loaded model -> a page in the browser: FastAPI serves the files, one WebSocket a player carries the game."""

from __future__ import annotations

import asyncio
import base64
import socket as sockets
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kinema.core.checks import InputError, require_extra
from kinema.play.session import Playable
from kinema.play.starts import Start
from kinema.web.play.messages import encode_picture, read_message
from kinema.web.play.room import Limits, Player, Room

PAGE = Path(__file__).parent / "page"
DEFAULT_PORT = 8750
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Close codes of WebSockets that the page explains.
FULL, ASLEEP = 4001, 4002


class PlayServer:
    """A server that is bound to its port and not yet running.

    Attributes:
        address: that a browser opens.
        room: who plays.
    """

    def __init__(
        self,
        playable: Playable,
        *,
        start: Start | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Binds a port.

        Args:
            playable: the model.
            start: where games begin; None: the first start that the model ships.
            host: address to listen at; "0.0.0.0" lets other machines play.
            port: None: 8750, or any other where that is taken; 0: any.
            limits: of players and sizes.

        Raises:
            InputError: the extra is not installed, the port is taken, or there is nothing to start from.
        """
        uvicorn = require_extra("uvicorn", extra="play", purpose="kinema play")
        for module in ("fastapi", "websockets"):
            require_extra(module, extra="play", purpose="kinema play")
        limits = Limits() if limits is None else limits
        self.room = Room(playable, limits, first=start, may_rename=host in LOOPBACK)
        self._socket = _bind(host, port)
        bound = self._socket.getsockname()[1]
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{bound}/"
        config = uvicorn.Config(
            build_app(self.room, any_host=host not in LOOPBACK),
            log_level="warning",
            # JSON escapes nothing that a page sends, so this bounds what is read into memory.
            ws_max_size=limits.upload_bytes,
            # Frames are compressed already.
            ws_per_message_deflate=False,
            ws_ping_interval=10.0,
            ws_ping_timeout=20.0,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serves until it is told to stop or interrupted, which is how a person ends it and no failure."""
        try:
            # uvicorn passes the signal on once it has shut down; whether it arrives depends on the moment.
            with suppress(KeyboardInterrupt):
                self._server.run(sockets=[self._socket])
        finally:
            self.room.close()
            self._socket.close()

    def stop(self) -> None:
        """Tells a running server to end; from any thread."""
        self._server.should_exit = True


def build_app(room: Room, *, any_host: bool = False) -> Any:
    """The application: the page at /, who plays at /status, the game at /play.

    Args:
        room: of the players.
        any_host: whether a browser may call the server by any name, as it must where other machines play.
    """
    fastapi = require_extra("fastapi", extra="play", purpose="kinema play")
    routing, files, trusted = (
        require_extra(f"starlette.{name}", extra="play", purpose="kinema play")
        for name in ("routing", "staticfiles", "middleware.trustedhost")
    )
    app = fastapi.FastAPI(openapi_url=None, routes=[routing.WebSocketRoute("/play", _Door(room))])

    @app.get("/status")
    def status() -> dict[str, Any]:
        return {"model": room.playable.name, "players": len(room.players), "max_players": room.limits.players}

    app.mount("/", files.StaticFiles(directory=PAGE, html=True))
    if not any_host:
        # A page of another site cannot reach the server by giving its own name this machine's address.
        app.add_middleware(trusted.TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    return app


class _Door:
    """The ASGI application behind /play."""

    def __init__(self, room: Room) -> None:
        self.room = room

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from_starlette = require_extra("starlette.websockets", extra="play", purpose="kinema play")
        socket = from_starlette.WebSocket(scope, receive, send)
        origin = socket.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != socket.headers.get("host"):
            await socket.close(1008)  # another site's page, in this machine's browser
            return
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
                await socket.close(ASLEEP, "nothing was pressed for a long time")
        except (gone, RuntimeError) as error:
            # Starlette says RuntimeError where something is sent after the other side has closed.
            if isinstance(error, RuntimeError) and "close" not in str(error).lower():
                raise
        finally:
            self.room.players.discard(player)
            player.leave()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: Any, player: Player) -> None:
    """Hands on what the page says until it goes."""
    while True:
        event = await socket.receive()
        if event["type"] == "websocket.disconnect":
            return
        try:
            if event.get("bytes") is not None:
                await player.take_picture(event["bytes"])
            else:
                await player.hear(read_message(event["text"]))
        except InputError as error:
            await player.say("problem", message=str(error))


def _welcome(room: Room) -> dict[str, Any]:
    """What a page needs to know at first."""
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


def _bind(host: str, port: int | None) -> sockets.socket:
    wanted = (DEFAULT_PORT, 0) if port is None else (port,)
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    reason = ""
    for number in wanted:
        bound = sockets.socket(family, sockets.SOCK_STREAM)
        bound.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        try:
            bound.bind((host, number))
            bound.listen(128)  # who comes before the server runs waits
        except (OSError, OverflowError) as error:
            bound.close()
            reason = str(error)
        else:
            return bound
    raise InputError(f"cannot listen at {host}, port {port} ({reason}); give another --port, or 0 for any free one")
