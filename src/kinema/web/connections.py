"""Limits how many connections a server holds at once, and how long it waits for each of them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections a server accepts, and how long it waits for them.

    Attributes:
        connections: number of open connections, HTTP and WebSocket together. At the limit, a new connection replaces
            the one that has been without a request for the longest; if all are in use, the new one is closed.
        request_seconds: time in which the whole head of a request must arrive.
        stall_seconds: time after which a connection is closed whose other side reads nothing of the data sent to it.
    """

    connections: int = 64
    request_seconds: float = 10.0
    stall_seconds: float = 30.0


@dataclass
class ConnectionWatch:
    """Closes connections that send no request, or read nothing of what is sent to them.

    While there are connections, it checks all of them four times within the shorter of the two time limits.

    Attributes:
        limits: the limits that are enforced.
        is_running: whether the next check is scheduled.
        stalled: connection to the number of bytes that wait to be sent, and the time since which they have not
            become fewer.
    """

    limits: ConnectionLimits
    is_running: bool = False
    stalled: dict[Any, tuple[int, float]] = field(default_factory=dict)

    def http(self, base: Any) -> type:
        """A subclass of uvicorn's HTTP/1.1 protocol whose connections are watched.

        A WebSocket begins as an HTTP connection and stays in the same set of connections.
        """
        watch = self

        class Watched(base):
            idle_since: float | None = None  # None while a request is served

            def connection_made(self, transport: asyncio.Transport) -> None:
                super().connection_made(transport)
                self.idle_since = time.monotonic()
                watch.admit(self)

            def data_received(self, data: bytes) -> None:
                before = self.cycle
                super().data_received(data)
                if self.cycle is not before:
                    self.idle_since = None

            def handle_websocket_upgrade(self, event: Any) -> None:
                self.idle_since = None
                super().handle_websocket_upgrade(event)

            def on_response_complete(self) -> None:
                before = self.cycle
                super().on_response_complete()
                if self.cycle is before:  # otherwise the next request has arrived already
                    self.idle_since = time.monotonic()

        return Watched

    def admit(self, new: Any) -> None:
        """Closes the longest idle connection if there are too many, or the new one if none is idle."""
        connections = new.connections
        if len(connections) > self.limits.connections:
            waiting = [one for one in connections if getattr(one, "idle_since", None) is not None and one is not new]
            oldest = min(waiting, key=lambda one: one.idle_since, default=new)
            oldest.transport.abort()
            connections.discard(oldest)
        if not self.is_running:
            self.is_running = True
            self._check(connections, new.loop)

    def _check(self, connections: set[Any], loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        self.stalled = {one: self._unsent(one, now) for one in connections if one.transport is not None}
        for one, (_, since) in self.stalled.items():
            idle = getattr(one, "idle_since", None)
            is_late = idle is not None and now - idle > self.limits.request_seconds
            if is_late or now - since > self.limits.stall_seconds:
                one.transport.abort()
        self.is_running = bool(connections)
        if self.is_running:
            shortest = min(self.limits.request_seconds, self.limits.stall_seconds)
            loop.call_later(shortest / 4, self._check, connections, loop)

    def _unsent(self, connection: Any, now: float) -> tuple[int, float]:
        """Bytes that wait to be sent, and the time since which they have not become fewer."""
        size = connection.transport.get_write_buffer_size()
        before, since = self.stalled.get(connection, (size, now))
        # A connection with nothing left to send is not stalled.
        return size, since if 0 < size >= before else now
