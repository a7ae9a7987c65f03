"""An application in, a web server out: who may call it, which headers it sends, and how long it waits for anybody."""

from __future__ import annotations

import asyncio
import hmac
import html
import ipaddress
import logging
import re
import secrets
import socket as sockets
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from kinema.core.checks import InputError, require_extra

# As https://asgi.readthedocs.io/en/latest/specs/www.html says.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,200}")

HEADERS = {
    # Everything comes from this server as files; a style or script inside the page is refused even if it got there.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # The address may hold the token.
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=(), "
    "serial=(), hid=(), midi=()",
}
"""Sent with every answer, unless the application gives its own."""


@dataclass(frozen=True)
class ConnectionLimits:
    """How many may call at once, and how long the server waits for them.

    Attributes:
        connections: of all kinds at once. At the limit the one that has waited longest without asking anything makes
            room; where all are in use, the new one is closed.
        request_seconds: in which the whole head of a request must have come.
        stall_seconds: after these a connection ends whose other side takes nothing of what waits for it.
    """

    connections: int = 64
    request_seconds: float = 10.0
    stall_seconds: float = 30.0


@dataclass
class Listener:
    """A socket that is bound and listens.

    Attributes:
        socket: of it.
        host: as it was given.
    """

    socket: sockets.socket
    host: str

    @property
    def port(self) -> int:
        """The port's number."""
        return int(self.socket.getsockname()[1])

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it, by the address that the host's name led to."""
        return ipaddress.ip_address(self.socket.getsockname()[0].partition("%")[0]).is_loopback

    @property
    def is_everywhere(self) -> bool:
        """Whether it listens at all addresses of this machine."""
        return ipaddress.ip_address(self.socket.getsockname()[0].partition("%")[0]).is_unspecified

    @property
    def address(self) -> str:
        """What a browser on this machine opens."""
        return self._at("127.0.0.1" if self.is_everywhere else self.host)

    @property
    def network_address(self) -> str | None:
        """What a browser on another machine of the network opens; None: no other reaches it."""
        if self.is_loopback:
            return None
        return self._at(_own_address() if self.is_everywhere else self.host)

    def _at(self, host: str) -> str:
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"


def listen(host: str, port: int | None, *, default_port: int) -> Listener:
    """Binds a port.

    Args:
        host: address or name of this machine; "0.0.0.0" are all of its addresses.
        port: None: the default, or any other where that is taken; 0: any.
        default_port: of the application.

    Raises:
        InputError: the port is taken, or the host is none of this machine's.
    """
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    reason = ""
    for number in (default_port, 0) if port is None else (port,):
        bound = sockets.socket(family, sockets.SOCK_STREAM)
        bound.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        try:
            bound.bind((host, number))
            bound.listen(128)  # who comes before the server runs waits
        except (OSError, OverflowError, ValueError, TypeError) as error:  # names may be too long, or hold a null byte
            bound.close()
            reason = str(error)
        else:
            return Listener(bound, host)
    raise InputError(f"cannot listen at {host}, port {port} ({reason}); give another --port, or 0 for any free one")


@dataclass(frozen=True)
class Access:
    """Who may call.

    Attributes:
        names: by which a browser may call the server, in small letters. A page of another site could otherwise reach it
            by giving its own name this machine's address.
        any_address: whether it may be called by any numeric address too, which no other site can give to itself.
        token: that has to be shown; None: none.
        cookie: in which a browser keeps the token. Cookies know no ports, so the name should.
    """

    names: frozenset[str]
    any_address: bool = False
    token: str | None = None
    cookie: str = "kinema"


def access_for(listener: Listener, token: str | None = None) -> Access:
    """Who may call a listener: at loopback all who name it so, elsewhere those who have the token.

    Args:
        listener: of the server.
        token: at least 16 letters, digits and ``._~-``; None: at loopback none, elsewhere a random one.

    Raises:
        InputError: the token is too short to be safe, or would not fit into an address.
    """
    if token is not None and not TOKEN.fullmatch(token):
        raise InputError(
            "the token is refused: give 16 to 200 letters, digits and ._~- that nobody guesses, or leave it out"
        )
    names = LOOPBACK_NAMES | {listener.host.lower()}
    if not listener.is_loopback:
        own = sockets.gethostname().lower()
        names |= {own, f"{own.partition('.')[0]}.local"}
        token = secrets.token_hex(16) if token is None else token
    return Access(names, any_address=not listener.is_loopback, token=token, cookie=f"kinema-{listener.port}")


class Gate:
    """An ASGI application before another: it checks host, origin and token of HTTP and WebSocket, and adds headers."""

    def __init__(self, app: App, access: Access) -> None:
        """Stands before an application."""
        self.app, self.access = app, access

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers a call, or lets the application do it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if scope["type"] == "http":
            send = _with_headers(send, HEADERS)
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        refused = self._refusal(scope, headers)
        if refused is not None:
            await _refuse(scope, receive, send, *refused)
            return
        if scope["type"] == "http" and self._shows_token_in_address(scope):
            await self._keep_token(scope, send)
            return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Message, headers: list[tuple[str, str]]) -> tuple[int, str, str] | None:
        """Status, reason and, where there is more to say, HTML; None: may pass."""
        host = _only(headers, "host")
        if host is None or not self._is_own(host):
            shown = "without a name" if host is None else f"by the name {host[:100]!r}"
            return 400, f"This server is not to be called {shown}; use the address that it printed.", ""
        origins = {value.lower() for name, value in headers if name == "origin"}
        if origins - {f"http://{host.lower()}", f"https://{host.lower()}"}:
            return 403, "Another site's page may not call this server.", ""
        if self.access.token is not None:
            if self._shows_token_in_address(scope) or self._is_token(_cookie(headers, self.access.cookie)):
                return None
            return (
                401,
                "This server asks for its token: open the address that it printed, or give the token here.",
                _ASK,
            )
        return None

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
            _ = urlsplit(f"//{host}").port  # raises where it is none
        except ValueError:
            return False
        if name is None or not re.fullmatch(r"[^/@?#\\\s]+", host):
            return False
        if name.rstrip(".") in self.access.names:
            return True
        return self.access.any_address and _is_address(name)

    def _shows_token_in_address(self, scope: Message) -> bool:
        if self.access.token is None:
            return False
        given = [value for name, value in parse_qsl(scope["query_string"].decode("latin-1")) if name == "token"]
        return len(given) == 1 and self._is_token(given[0])

    def _is_token(self, given: str | None) -> bool:
        if given is None or self.access.token is None:
            return False
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.access.token.encode())

    async def _keep_token(self, scope: Message, send: Send) -> None:
        """Moves the token from the address into a cookie, and opens the address without it.

        A redirection would not do: its request counts as the other site's where a link there was followed, and such
        requests bring no strict cookie. What a page of this server opens does.
        """
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        left = urlencode([(name, value) for name, value in pairs if name != "token"])
        path = "/" + quote(scope["path"].lstrip("/"))
        target = html.escape(f"{path}?{left}" if left else path, quote=True)
        body = f'<meta http-equiv="refresh" content="0; url={target}"><p><a href="{target}">Go on</a></p>'
        cookie = f"{self.access.cookie}={self.access.token}; Path=/; HttpOnly; SameSite=Strict"
        await _answer(send, 200, _page("kinema", body), {"set-cookie": cookie})


_ASK = (
    '<form method="get"><input name="token" type="password" aria-label="Token" autocomplete="off" required> '
    "<button>Open</button></form>"
)


def _page(title: str, body: str) -> str:
    names = {"viewport": "width=device-width", "color-scheme": "light dark"}
    meta = "".join(f'<meta name="{name}" content="{content}">' for name, content in names.items())
    head = f'<meta charset="utf-8">{meta}<title>{title}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


async def _refuse(scope: Message, receive: Receive, send: Send, status: int, reason: str, more: str) -> None:
    if scope["type"] == "websocket":
        await receive()  # that it wants to connect
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    await _answer(send, status, _page("kinema", f"<p>{html.escape(reason)}</p>{more}"))


async def _answer(send: Send, status: int, text: str, headers: dict[str, str] | None = None) -> None:
    body = text.encode()
    shown = {"content-type": "text/html; charset=utf-8", "content-length": str(len(body)), "cache-control": "no-store"}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in {**shown, **(headers or {})}.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            known = {name.lower() for name, _ in given}
            # Files change with the version, and each name stays; a browser asks whether its copy still holds.
            wanted = {**headers, "cache-control": "no-cache"}
            more = [(name.encode(), value.encode()) for name, value in wanted.items() if name.encode() not in known]
            message = {**message, "headers": given + more}
        await send(message)

    return sending


def _only(headers: Iterable[tuple[str, str]], wanted: str) -> str | None:
    """The value of a header that is there once."""
    values = [value for name, value in headers if name == wanted]
    return values[0] if len(values) == 1 else None


def _cookie(headers: Iterable[tuple[str, str]], wanted: str) -> str | None:
    # By hand: http.cookies gives up at the first cookie of another server of this machine that it does not understand.
    for pair in ";".join(value for name, value in headers if name == "cookie").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted:
            return value
    return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _own_address() -> str:
    """The address by which this machine's network knows it, or its name where it is in none."""
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # of documentation; a datagram's socket sends nothing when it connects
        return str(probe.getsockname()[0])
    return sockets.gethostname()


class WebServer:
    """An application with its listener, not yet running.

    Attributes:
        access: who may call.
        address: that a browser on this machine opens; it holds the token where that is random.
        network_address: that a browser on another machine opens; None: no other reaches it.
    """

    def __init__(
        self,
        app: App,
        listener: Listener,
        *,
        token: str | None = None,
        limits: ConnectionLimits | None = None,
        message_bytes: int = 1 << 20,
        extra: str = "play",
    ) -> None:
        """Prepares to serve.

        Args:
            app: ASGI application.
            listener: of :func:`listen`; closed when the server ends.
            token: as in :func:`access_for`.
            limits: of connections.
            message_bytes: of the largest WebSocket message.
            extra: of this package that brings what is needed.

        Raises:
            InputError: the token is refused, or a module that serves is not installed.
        """
        uvicorn, _ = (require_extra(name, extra=extra, purpose="serving a page") for name in ("uvicorn", "websockets"))
        self.access = access_for(listener, token)
        self._listener = listener
        ask = f"?token={self.access.token}" if self.access.token is not None and token is None else ""
        self.address = listener.address + ask
        network = listener.network_address
        self.network_address = None if network is None else network + ask
        config = uvicorn.Config(
            Gate(app, self.access),
            http="h11",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws_max_size=message_bytes,
            # What is large is compressed already.
            ws_per_message_deflate=False,
            ws_ping_interval=10.0,
            ws_ping_timeout=20.0,
            timeout_graceful_shutdown=3,
        )
        config.load()
        watch = _Watch(ConnectionLimits() if limits is None else limits)
        config.http_protocol_class = watch.http(config.http_protocol_class)
        logging.getLogger("uvicorn.error").addFilter(_is_own_fault)
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serves until it is told to stop or interrupted, which is how a person ends it and no failure."""
        try:
            # uvicorn passes the signal on once it has shut down; whether it arrives depends on the moment.
            with suppress(KeyboardInterrupt):
                self._server.run(sockets=[self._listener.socket])
        finally:
            self._listener.socket.close()

    def stop(self) -> None:
        """Tells a running server to end; from any thread."""
        self._server.should_exit = True


# What uvicorn warns of though the other side did it; a stranger shall not fill the screen of who serves.
_FAULTS_OF_CALLERS = (
    "Invalid HTTP request",
    "Unsupported upgrade request",
    "Invalid UTF-8 sequence",
    "No supported Web",
)


def _is_own_fault(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_FAULTS_OF_CALLERS)


@dataclass
class _Watch:
    """Ends connections that ask nothing or take nothing.

    It looks at all of them a few times in the shortest of the limits, as long as there are any.
    """

    limits: ConnectionLimits
    is_running: bool = False
    # Connection -> the bytes that wait for it, and since when they have not become fewer.
    stalled: dict[Any, tuple[int, float]] = field(default_factory=dict)

    def http(self, base: Any) -> type:
        """uvicorn's protocol of HTTP/1.1 that is watched; a WebSocket begins as one and stays in the same set."""
        watch = self

        class Watched(base):
            asked_since: float | None = None  # no whole request has come since then

            def connection_made(self, transport: asyncio.Transport) -> None:
                super().connection_made(transport)
                self.asked_since = time.monotonic()
                watch.admit(self)

            def data_received(self, data: bytes) -> None:
                before = self.cycle
                super().data_received(data)
                if self.cycle is not before:
                    self.asked_since = None

            def handle_websocket_upgrade(self, event: Any) -> None:
                self.asked_since = None
                super().handle_websocket_upgrade(event)

            def on_response_complete(self) -> None:
                before = self.cycle
                super().on_response_complete()
                if self.cycle is before:  # otherwise the next request had come already
                    self.asked_since = time.monotonic()

        return Watched

    def admit(self, new: Any) -> None:
        """Makes room for a new connection, or closes it."""
        connections = new.connections
        if len(connections) > self.limits.connections:
            waiting = [one for one in connections if getattr(one, "asked_since", None) is not None and one is not new]
            oldest = min(waiting, key=lambda one: one.asked_since, default=new)
            oldest.transport.abort()
            connections.discard(oldest)
        if not self.is_running:
            self.is_running = True
            self._look(connections, new.loop)

    def _look(self, connections: set[Any], loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        self.stalled = {one: self._waiting(one, now) for one in connections if one.transport is not None}
        for one, (_, since) in self.stalled.items():
            asked = getattr(one, "asked_since", None)
            is_late = asked is not None and now - asked > self.limits.request_seconds
            if is_late or now - since > self.limits.stall_seconds:
                one.transport.abort()
        self.is_running = bool(connections)
        if self.is_running:
            shortest = min(self.limits.request_seconds, self.limits.stall_seconds)
            loop.call_later(shortest / 4, self._look, connections, loop)

    def _waiting(self, connection: Any, now: float) -> tuple[int, float]:
        """Bytes that wait, and since when they have not become fewer."""
        size = connection.transport.get_write_buffer_size()
        before, since = self.stalled.get(connection, (size, now))
        # One that is closing without anything left to be sent goes by itself.
        return size, since if 0 < size >= before else now
