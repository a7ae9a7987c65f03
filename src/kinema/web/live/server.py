"""Serves the pictures of a live head: /stream is motion JPEG, POST /calibrate takes the present face as neutral.

The application speaks ASGI itself, since it has three addresses and no data to check.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from kinema.core.checks import require_extra
from kinema.tasks.heads.live import LiveFrame
from kinema.web.asgi import App, Message, Receive, Send
from kinema.web.connections import ConnectionLimits
from kinema.web.listener import listen
from kinema.web.serving import WebServer

DEFAULT_PORT = 8760
_BOUNDARY = "kinema-frame"
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><title>kinema live</title></head><body>'
    '<p><img src="stream" alt="the photo, moved live"></p>'
    '<form method="post" action="calibrate"><button>Take this face as neutral</button></form></body></html>'
)


class Broadcast:
    """Gives every watcher the newest picture; who is slow misses some."""

    def __init__(self) -> None:
        """Begins without picture and without watchers."""
        self._lock = threading.Lock()
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self.newest: bytes | None = None
        self.is_closed = False

    def publish(self, jpeg: bytes) -> None:
        """Shows a picture; from any thread."""
        self.newest = jpeg
        self._wake()

    def close(self) -> None:
        """Ends all streams; from any thread."""
        self.is_closed = True
        self._wake()

    def join(self) -> asyncio.Event:
        """An event of the running loop that is set with every picture."""
        event = asyncio.Event()
        with self._lock:
            self._watchers[event] = asyncio.get_running_loop()
        if self.newest is not None:
            event.set()
        return event

    def leave(self, event: asyncio.Event) -> None:
        """Forgets a watcher."""
        with self._lock:
            self._watchers.pop(event, None)

    def _wake(self) -> None:
        with self._lock:
            for event, loop in self._watchers.items():
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)


class LiveServer:
    """A server that is bound to its port and not yet running.

    Attributes:
        address: that a browser on this machine opens.
        network_address: that a browser on another machine opens; None: no other reaches it.
    """

    def __init__(
        self,
        calibrate: Callable[[], None],
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        token: str | None = None,
    ) -> None:
        """Binds a port.

        Args:
            calibrate: called when somebody asks to take the present face as neutral.
            host: address to listen at; "0.0.0.0" lets other machines watch.
            port: None: 8760, or any other where that is taken; 0: any.
            token: that a browser has to show; None: at loopback none, elsewhere a random one, part of the addresses.

        Raises:
            InputError: the extra is not installed, the port is taken, or the token is refused.
        """
        require_extra("uvicorn", extra="play", purpose="kinema live --serve")
        self._pictures = Broadcast()
        listener = listen(host, port, default_port=DEFAULT_PORT)
        try:
            app = build_app(self._pictures, calibrate)
            self._web = WebServer(app, listener, token=token, limits=ConnectionLimits(32))
        except BaseException:
            listener.socket.close()
            raise
        self.address, self.network_address = self._web.address, self._web.network_address
        self._thread = threading.Thread(target=self._web.run, name="kinema-web", daemon=True)

    def start(self) -> None:
        """Serves in a thread of its own until :meth:`stop`."""
        self._thread.start()

    def show(self, frame: LiveFrame) -> None:
        """Shows a picture, which is encoded already, to all who watch."""
        if frame.jpeg is not None:
            self._pictures.publish(frame.jpeg)

    def stop(self) -> None:
        """Ends all streams and the server, and waits for it."""
        self._pictures.close()
        self._web.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)


def build_app(pictures: Broadcast, calibrate: Callable[[], None]) -> App:
    """The ASGI application: a page at /, motion JPEG at /stream, and /calibrate.

    Args:
        pictures: to show.
        calibrate: what POST /calibrate calls.
    """

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif (scope["method"], scope["path"]) == ("GET", "/"):
            await _answer(send, 200, "text/html; charset=utf-8", _PAGE)
        elif (scope["method"], scope["path"]) == ("GET", "/stream"):
            await _stream(pictures, receive, send)
        elif (scope["method"], scope["path"]) == ("POST", "/calibrate"):
            calibrate()
            await _answer(send, 303, "text/plain", "the next face is neutral\n", location=b"./")
        else:
            await _answer(send, 404, "text/plain", "There are /, /stream, and /calibrate to POST to.\n")

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _answer(send: Send, status: int, kind: str, text: str, location: bytes | None = None) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(text.encode())).encode())]
    headers += [] if location is None else [(b"location", location)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def _stream(pictures: Broadcast, receive: Receive, send: Send) -> None:
    """Pictures until the other side goes or the run ends."""
    kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    gone = asyncio.create_task(_until_gone(receive))
    event = pictures.join()
    try:
        while not pictures.is_closed and not gone.done():
            await asyncio.wait(
                (waiting := asyncio.create_task(event.wait()), gone), return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()
            event.clear()
            jpeg = pictures.newest
            if jpeg is not None and not gone.done() and not pictures.is_closed:
                head = f"--{_BOUNDARY}\r\ncontent-type: image/jpeg\r\ncontent-length: {len(jpeg)}\r\n\r\n"
                await send({"type": "http.response.body", "body": head.encode() + jpeg + b"\r\n", "more_body": True})
        if not gone.done():
            await send({"type": "http.response.body", "body": f"--{_BOUNDARY}--\r\n".encode()})
    finally:
        pictures.leave(event)
        gone.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
