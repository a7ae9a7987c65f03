"""The general part of a server over real sockets: who may call, which headers are sent, who is not waited for."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

import pytest

from kinema.core.checks import InputError
from kinema.web.access import access_for
from kinema.web.connections import ConnectionLimits
from kinema.web.headers import HEADERS
from kinema.web.listener import listen
from kinema.web.serving import WebServer

pytestmark = pytest.mark.extra("play", "fastapi", "uvicorn", "websockets")

SECONDS = 60.0  # the machine may be busy
TOKEN = "a-token.of_24~characters"
LARGE = bytes(64 << 20)  # more than the kernel keeps for who does not read


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers b"fine"; /large gives 64 MiB, /missing 404; a WebSocket hears "fine", and at /large 64 MiB."""
    if scope["type"] == "lifespan":
        return
    large = scope["path"] == "/large"
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", **({"bytes": LARGE} if large else {"text": "fine"})})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    status = 404 if scope["path"] == "/missing" else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": LARGE if large else b"fine"})


@contextmanager
def running(host: str = "127.0.0.1", token: str | None = None, **limits: Any) -> Iterator[WebServer]:
    server = WebServer(app, listen(host, 0, default_port=0), token=token, limits=ConnectionLimits(**limits))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


def port_of(server: WebServer) -> int:
    port = urlsplit(server.address).port
    assert port is not None
    return port


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Message
    text: str


def get(server: WebServer, path: str = "/", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=SECONDS)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return Answer(answer.status, answer.headers, text)


def get_at_last(server: WebServer) -> Answer:
    """What comes once the server has a place, and this machine the time to ask."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return get(server)
        except (ConnectionError, http.client.HTTPException):
            assert time.monotonic() < end
            time.sleep(0.05)


def websocket(server: WebServer, path: str = "", **headers: str) -> Any:
    from websockets.sync.client import connect

    address = f"ws://127.0.0.1:{port_of(server)}/{path}"
    return connect(address, additional_headers=headers, open_timeout=SECONDS, max_size=None)


def call(server: WebServer, text: bytes) -> socket.socket:
    """A bare connection that has said something."""
    opened = socket.create_connection(("127.0.0.1", port_of(server)), timeout=SECONDS)
    opened.sendall(text)
    return opened


def read_all(opened: socket.socket) -> bytes:
    """What comes until the other side ends, however it does."""
    got = b""
    try:
        while part := opened.recv(1 << 16):
            got += part
    except ConnectionError:
        pass
    return got


@pytest.fixture(scope="module")
def local() -> Iterator[WebServer]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def public() -> Iterator[WebServer]:
    with running("0.0.0.0", TOKEN) as server:
        yield server


@pytest.mark.parametrize(
    ("host", "is_loopback"), [("127.0.0.1", True), ("localhost", True), ("127.0.0.2", True), ("0.0.0.0", False)]
)
def test_loopback_is_told_by_the_address_that_was_bound(host: str, is_loopback: bool):
    listener = listen(host, 0, default_port=0)
    with listener.socket:
        assert listener.is_loopback is is_loopback
        assert (listener.network_address is None) is is_loopback
        assert listener.address == f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{listener.port}/"
        access = access_for(listener)
        assert (access.token is None) is is_loopback and access.any_address is not is_loopback


def test_a_random_token_differs_and_stands_in_the_address_and_a_given_one_does_not():
    with running("0.0.0.0") as first, running("0.0.0.0") as second, running("0.0.0.0", TOKEN) as given:
        assert first.access.token != second.access.token and len(first.access.token or "") >= 32
        assert first.address.endswith(f"/?token={first.access.token}")
        assert first.network_address is not None and first.network_address.endswith(f"/?token={first.access.token}")
        assert TOKEN not in given.address and given.access.token == TOKEN


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 201, "sixteen letters and a space", "sixteen-letters-\n", "é" * 20]
)
def test_a_token_that_can_be_guessed_or_does_not_fit_is_one_line(token: str):
    listener = listen("127.0.0.1", 0, default_port=0)
    with listener.socket, pytest.raises(InputError, match="give 16 to 200 letters"):
        access_for(listener, token)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 300, "a..b", "a\0b", "203.0.113.9"])
def test_a_host_that_is_none_of_this_machine_is_one_line(host: str):
    with pytest.raises(InputError, match="cannot listen at"):
        listen(host, 0, default_port=0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:1", "[::1]:8750"])
def test_this_machine_may_be_called_by_its_names(local: WebServer, host: str):
    assert get(local, Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["example.org", "example.org:80", "127.0.0.1.example.org", "192.168.0.9", "a@localhost", "localhost:x", "[::1", ""],
)
def test_other_names_are_refused(local: WebServer, host: str):
    assert get(local, Host=host).status == 400


def test_any_address_but_no_other_name_reaches_a_server_of_the_network(public: WebServer):
    cookie = f"{public.access.cookie}={TOKEN}"
    for host in ("192.168.0.9:8750", "[2001:db8::1]", "localhost", socket.gethostname()):
        assert get(public, Host=host, Cookie=cookie).status == 200
    assert get(public, Host="example.org", Cookie=cookie).status == 400


def test_two_hosts_or_none_are_refused(local: WebServer):
    for head in (b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: example.org\r\n\r\n"):
        with call(local, head) as opened:
            assert b" 400 " in read_all(opened).partition(b"\r\n")[0]


def test_other_origins_are_refused_on_http_and_websocket(local: WebServer):
    from websockets.exceptions import InvalidStatus

    own = f"127.0.0.1:{port_of(local)}"
    assert get(local, Origin=f"http://{own}").status == 200
    with websocket(local, Origin=f"http://{own}") as opened:
        assert opened.recv(timeout=SECONDS) == "fine"
    for origin in (
        "http://example.org",
        "null",
        "http://127.0.0.1",
        f"http://{own}.example.org",
        f"file://{own}",
        "http://[",
        "",
    ):
        assert get(local, Origin=origin).status == 403
        with pytest.raises(InvalidStatus):
            websocket(local, Origin=origin)
    with pytest.raises((InvalidStatus, ConnectionError)):  # some clients send their own host beside this one
        websocket(local, Host="example.org")


def test_the_token_moves_from_the_address_into_a_cookie(public: WebServer):
    refused = get(public)
    assert refused.status == 401 and 'type="password"' in refused.text
    for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%FF%00", f"{TOKEN}&token={TOKEN}x"):
        assert get(public, f"/?token={wrong}").status == 401
    shown = get(public, f"/some/page?token={TOKEN}&b=1%3C")
    assert shown.status == 200 and TOKEN not in shown.text
    assert '<meta http-equiv="refresh" content="0; url=/some/page?b=1%3C">' in shown.text
    cookie = shown.headers["set-cookie"]
    assert "; HttpOnly" in cookie and "; SameSite=Strict" in cookie and str(port_of(public)) in cookie
    assert get(public, Cookie=cookie.partition(";")[0]).text == "fine"
    assert get(public, Cookie=f'broken={{"a": [1]}}; {cookie.partition(";")[0]}').text == "fine"
    assert get(public, Cookie=f"{public.access.cookie}=other").status == 401


def test_the_address_that_is_opened_without_the_token_is_of_this_server(public: WebServer):
    assert "url=/example.org" in get(public, f"//example.org?token={TOKEN}").text
    assert "url=/%22%3E%3Cscript%3E" in get(public, f"/%22%3E%3Cscript%3E?token={TOKEN}").text


def test_a_websocket_needs_the_token_too(public: WebServer):
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus):
        websocket(public)
    for how in ({"path": f"?token={TOKEN}"}, {"Cookie": f"{public.access.cookie}={TOKEN}"}):
        with websocket(public, **how) as opened:
            assert opened.recv(timeout=SECONDS) == "fine"


def test_every_answer_has_the_headers(local: WebServer, public: WebServer):
    answers = [
        get(local),
        get(local, "/missing"),
        get(local, Host="example.org"),
        get(local, Origin="null"),
        get(public),
    ]
    assert [answer.status for answer in answers] == [200, 404, 400, 403, 401]
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["cache-control"] == ("no-cache" if answer.status in (200, 404) else "no-store")
        assert "server" not in answer.headers
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'" and policy["script-src"] == "'self'"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n",
    ],
)
def test_who_asks_letter_by_letter_is_not_waited_for(head: bytes):
    with running(request_seconds=0.4) as server, call(server, head) as opened:
        opened.settimeout(0.05)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                opened.send(b"x")
                if opened.recv(1 << 16) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("the server waits for ever")
        assert get_at_last(server).status == 200


def test_who_only_connects_makes_room_for_who_asks():
    with running(connections=4, request_seconds=SECONDS) as server, ExitStack() as stack:
        silent = [stack.enter_context(call(server, b"")) for _ in range(4)]
        for _ in range(3):
            assert get(server).status == 200
        assert read_all(silent[0]) == b"", "the one that has waited longest has made room"


def test_where_all_places_are_in_use_the_new_one_is_closed():
    with running(connections=2) as server, websocket(server) as first, websocket(server) as second:
        assert first.recv(timeout=SECONDS) == second.recv(timeout=SECONDS) == "fine"
        with call(server, b"") as third:
            assert read_all(third) == b""
        first.close()
        assert get_at_last(server).status == 200, "the server has heard of it"


def test_who_does_not_read_is_not_waited_for():
    upgrade = (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        + b"A" * 22
        + b"=="
    )
    heads = [
        b"GET /large HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /large HTTP/1.1\r\nHost: localhost\r\n" + upgrade + b"\r\n",
    ]
    with running(connections=2, stall_seconds=0.4) as server, ExitStack() as stack:
        for head in heads:
            stack.enter_context(call(server, head + b"\r\n"))
        assert get_at_last(server).status == 200, "both places are taken until the server has given up"


def test_garbage_says_nothing_on_the_screen_and_the_server_goes_on(local: WebServer, capfd: pytest.CaptureFixture[str]):
    from websockets.exceptions import ConnectionClosed

    for text in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
    ):
        with call(local, text + bytes(range(256)) * 100) as opened:
            read_all(opened)
    with websocket(local) as opened:
        opened.recv(timeout=SECONDS)
        opened.socket.sendall(b"\x81\x82\0\0\0\0\xff\xfe")  # two bytes of text, masked by zeros
        with pytest.raises(ConnectionClosed) as closed:
            opened.recv(timeout=SECONDS)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1007
    with websocket(local) as opened:
        opened.recv(timeout=SECONDS)
        opened.socket.sendall(b"\x00\xff" * 1000)
        with pytest.raises(ConnectionClosed):
            opened.recv(timeout=SECONDS)
    assert get(local).status == 200
    assert capfd.readouterr().err == ""


def test_a_message_above_the_limit_ends_its_connection_with_the_code_for_that(local: WebServer):
    from websockets.exceptions import ConnectionClosed

    with websocket(local) as opened, pytest.raises(ConnectionClosed) as closed:
        opened.recv(timeout=SECONDS)
        opened.send(bytes((1 << 20) + 1))
        opened.recv(timeout=SECONDS)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009


def test_it_ends_at_once_though_others_hold_on(capfd: pytest.CaptureFixture[str]):
    with ExitStack() as stack:
        with running() as server:
            for text in (b"", b"GET / HT"):
                stack.enter_context(call(server, text))
            stack.enter_context(websocket(server)).recv(timeout=SECONDS)
            began = time.monotonic()
        assert time.monotonic() - began < SECONDS / 2
    assert capfd.readouterr().err == ""
