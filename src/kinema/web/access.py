"""Decides who may call a server: by the name it is called by, the site a call comes from, and a token."""

from __future__ import annotations

import hmac
import html
import ipaddress
import re
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from kinema.core.checks import InputError
from kinema.web.asgi import App, Message, Receive, Send
from kinema.web.headers import HEADERS, add_headers
from kinema.web.listener import Listener

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,200}")


@dataclass(frozen=True)
class Access:
    """The rules by which calls are accepted.

    Attributes:
        names: host names that a browser may use for the server, in lower case. Without this rule, a page of another
            site could reach the server by resolving its own name to this machine's address (DNS rebinding).
        any_address: whether any numeric address is accepted too; another site cannot use one as its name.
        token: the token that a call must bring; None: no token is needed.
        cookie: name of the cookie that keeps the token in the browser. Cookies are shared by all ports of a host, so
            the name should contain the port.
    """

    names: frozenset[str]
    any_address: bool = False
    token: str | None = None
    cookie: str = "kinema"


def access_for(listener: Listener, token: str | None = None) -> Access:
    """The access rules of a listener: on loopback no token is needed, elsewhere a call must bring one.

    Args:
        listener: where the server listens.
        token: 16 to 200 letters, digits and ``._~-``; None: no token on loopback, a random one elsewhere.

    Raises:
        InputError: the token is too short to be safe, or has characters that do not fit into a URL.
    """
    if token is not None and not TOKEN.fullmatch(token):
        raise InputError(
            f"the token has {len(token)} characters or some that do not fit into a URL: give 16 to 200 letters, "
            "digits and ._~- that are hard to guess, or leave it out"
        )
    names = LOOPBACK_NAMES | {listener.host.lower()}
    if not listener.is_loopback:
        own = socket.gethostname().lower()
        names |= {own, f"{own.partition('.')[0]}.local"}
        token = secrets.token_hex(16) if token is None else token
    return Access(names, any_address=not listener.is_loopback, token=token, cookie=f"kinema-{listener.port}")


class AccessMiddleware:
    """ASGI middleware: checks host, origin and token of HTTP and WebSocket calls, and adds the security headers."""

    def __init__(self, app: App, access: Access) -> None:
        """Wraps an application.

        Args:
            app: the application that gets the accepted calls.
            access: the rules.
        """
        self.app, self.access = app, access

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Passes an accepted call on to the application, and answers any other itself."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if scope["type"] == "http":
            send = add_headers(send, HEADERS)
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
        """Status, reason and further HTML of the answer to a refused call; None: the call is accepted."""
        host = _single_value(headers, "host")
        if host is None or not self._is_own(host):
            shown = "no host name" if host is None else f"the host name {host[:100]!r}"
            return 400, f"This server does not answer to {shown}; use the address that it printed.", ""
        origins = {value.lower() for name, value in headers if name == "origin"}
        if origins - {f"http://{host.lower()}", f"https://{host.lower()}"}:
            return 403, "A page of another site may not call this server.", ""
        if self.access.token is not None:
            if self._shows_token_in_address(scope) or self._is_token(_cookie(headers, self.access.cookie)):
                return None
            return (
                401,
                "This server needs its token: open the address that it printed, or enter the token here.",
                _TOKEN_FORM,
            )
        return None

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
            _ = urlsplit(f"//{host}").port  # raises ValueError if it is not a number
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

        An HTTP redirect would not work: after a link on another site the redirected request still counts as
        cross-site, and such requests carry no SameSite=Strict cookie. A refresh by a page of this server does.
        """
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        others = urlencode([(name, value) for name, value in pairs if name != "token"])
        path = "/" + quote(scope["path"].lstrip("/"))
        target = html.escape(f"{path}?{others}" if others else path, quote=True)
        body = f'<meta http-equiv="refresh" content="0; url={target}"><p><a href="{target}">Continue</a></p>'
        cookie = f"{self.access.cookie}={self.access.token}; Path=/; HttpOnly; SameSite=Strict"
        await _answer(send, 200, _page("kinema", body), {"set-cookie": cookie})


_TOKEN_FORM = (
    '<form method="get"><input name="token" type="password" aria-label="Token" autocomplete="off" required> '
    "<button>Open</button></form>"
)


def _page(title: str, body: str) -> str:
    names = {"viewport": "width=device-width", "color-scheme": "light dark"}
    meta = "".join(f'<meta name="{name}" content="{content}">' for name, content in names.items())
    head = f'<meta charset="utf-8">{meta}<title>{title}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


async def _refuse(scope: Message, receive: Receive, send: Send, status: int, reason: str, further: str) -> None:
    if scope["type"] == "websocket":
        await receive()  # the connection request, which has to be read before it can be refused
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    await _answer(send, status, _page("kinema", f"<p>{html.escape(reason)}</p>{further}"))


async def _answer(send: Send, status: int, text: str, headers: dict[str, str] | None = None) -> None:
    body = text.encode()
    shown = {"content-type": "text/html; charset=utf-8", "content-length": str(len(body)), "cache-control": "no-store"}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in {**shown, **(headers or {})}.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _single_value(headers: Iterable[tuple[str, str]], wanted: str) -> str | None:
    """The value of a header; None unless it occurs exactly once."""
    values = [value for name, value in headers if name == wanted]
    return values[0] if len(values) == 1 else None


def _cookie(headers: Iterable[tuple[str, str]], wanted: str) -> str | None:
    # Parsed by hand: http.cookies stops at the first cookie that it cannot parse, and other servers of this machine may
    # have set such cookies.
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
