"""The server of a live head: pictures as motion JPEG, calibration by POST, and nothing for pages of other sites."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.tasks.heads.live import LiveFrame
from kinema.web.live.server import LiveServer

pytestmark = pytest.mark.extra("play", "uvicorn", "websockets")


def frame_of(jpeg: bytes) -> LiveFrame:
    return LiveFrame(np.zeros((1, 1, 3), np.uint8), jpeg, 0.0, True, 0.0, 0.0, 0.0, 0.0)


@contextmanager
def running(server: LiveServer) -> Iterator[http.client.HTTPConnection]:
    server.start()
    port = int(server.address.split(":")[2].split("/")[0])
    try:
        yield http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    finally:
        server.stop()


def test_pictures_arrive_and_the_newest_first():
    server = LiveServer(lambda: None, port=0)
    server.show(frame_of(b"old"))
    server.show(frame_of(b"first"))
    with running(server) as connection:
        connection.request("GET", "/stream")
        answer = connection.getresponse()
        kind = answer.getheader("content-type")
        assert answer.status == 200 and kind == "multipart/x-mixed-replace; boundary=kinema-frame"
        assert read_part(answer) == b"first"
        server.show(frame_of(b"second"))
        assert read_part(answer) == b"second"
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert answer.read().endswith(b"--kinema-frame--\r\n"), "the end of a run ends the stream"
        stopping.join()


def read_part(answer: http.client.HTTPResponse) -> bytes:
    assert answer.readline() == b"--kinema-frame\r\n" and answer.readline() == b"content-type: image/jpeg\r\n"
    size = int(answer.readline().removeprefix(b"content-length: "))
    assert answer.readline() == b"\r\n"
    body = answer.read(size)
    assert answer.read(2) == b"\r\n"
    return body


def test_calibration_and_refusals():
    asked: list[float] = []
    with running(LiveServer(lambda: asked.append(time.monotonic()), port=0)) as connection:

        def status(method: str, path: str, **headers: str) -> int:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

        assert status("POST", "/calibrate") == 303 and len(asked) == 1
        assert status("POST", "/calibrate", Origin="http://evil.example") == 403
        assert status("POST", "/calibrate", Host="evil.example") == 400
        assert status("GET", "/calibrate") == 404 and status("GET", "/etc/passwd") == 404
        assert len(asked) == 1
        assert status("GET", "/") == 200


def test_other_machines_need_a_token():
    server = LiveServer(lambda: None, host="0.0.0.0", port=0)
    assert server.network_address is not None and "?token=" in server.address
    with running(server) as connection:
        connection.request("GET", "/stream")
        assert connection.getresponse().status == 401
    with pytest.raises(InputError, match="token"):
        LiveServer(lambda: None, port=0, token="short")
