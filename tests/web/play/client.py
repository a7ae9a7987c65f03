"""A player over a real WebSocket, and a server in a thread."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from kinema.web.play import messages as wire
from kinema.web.play.server import PlayServer

SECONDS = 60.0  # the machine may be busy


@dataclass
class Frame:
    """What arrived: header and picture."""

    action: int
    serial: int
    step: int
    key: int
    image: np.ndarray


@contextmanager
def serving(*where: Any, **how: Any) -> Iterator[PlayServer]:
    """A running server."""
    server = PlayServer(*where, port=0, **how)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


class Client:
    """One player."""

    def __init__(self, server: Any, **headers: str) -> None:
        from websockets.sync.client import connect

        address = server.address.replace("http:", "ws:") + "play"
        self._stack = ExitStack()
        opened = connect(address, max_size=None, additional_headers=headers, open_timeout=SECONDS)
        self.socket = self._stack.enter_context(opened)
        self.said: list[dict[str, Any]] = []

    def say(self, do: str, **values: Any) -> None:
        self.socket.send(json.dumps({"do": do, **values}))

    def hear(self, what: str) -> dict[str, Any]:
        """The next JSON of a kind; frames on the way are dropped, but confirmed."""
        while True:
            for values in self.said:
                if values["say"] == what:
                    self.said.remove(values)
                    return values
            self.receive()

    def frame(self, *, confirm: bool = True) -> Frame:
        """The next frame; what is said on the way is kept in ``said``."""
        while True:
            got = self.receive(confirm=confirm)
            if isinstance(got, Frame):
                return got

    def receive(self, *, confirm: bool = True, seconds: float = SECONDS) -> Any:
        data = self.socket.recv(timeout=seconds)
        if isinstance(data, str):
            self.said.append(json.loads(data))
            return None
        if data[0] == wire.VIDEO:
            return data[1:]
        _, _, action, serial, step, key, *_ = wire.FRAME_HEADER.unpack_from(data)
        if confirm:
            self.say("seen", serial=serial)
        image = np.array(Image.open(io.BytesIO(data[wire.FRAME_HEADER.size :])))
        return Frame(action, serial, step, key, image)

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def status(server: PlayServer) -> dict[str, Any]:
    with urllib.request.urlopen(server.address + "status", timeout=SECONDS) as answer:
        return json.load(answer)


def wait_for_players(server: PlayServer, count: int) -> None:
    end = time.monotonic() + SECONDS
    while status(server)["players"] != count:
        assert time.monotonic() < end, status(server)
        time.sleep(0.05)
